import cv2
import numpy as np
import pytest

from restore.propagation.engine import DOUBT, Tracked, fuse, sweep_backward, sweep_forward, track
from restore.propagation.flow import Motion
from restore.propagation.memory import Memory
from tests.propagation.footage import behind, box, noisy, pan, still, texture, tracked

H, W = 48, 64


def swept(frames: list[Tracked]) -> tuple[list[Memory], list[Memory], np.ndarray]:
    """Past, future, and the fused clip `T H W 3`."""
    before, _ = sweep_forward(frames, None)
    after = sweep_backward(frames, len(frames))
    fused = np.stack([fuse(*parts) for parts in zip(frames, before, after, strict=True)])
    return before, after, fused


def same(a: Memory, b: Memory) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("colour", "count", "age"))


def test_what_another_frame_saw_is_copied() -> None:
    clip, mask = still(8, H, W), box(8, H, W, (10, 4), step=(1, 6))
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    assert mask.min(0).max() == 0  # every pixel is seen in some frame
    assert np.abs(fused - clip).max() <= 2


def test_nothing_of_the_box_is_copied_into_the_picture() -> None:
    clip, mask = still(8, H, W) // 4, box(8, H, W, (10, 4), step=(1, 6))  # 0..63: grey 128 would stand out
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    assert fused.max() < 66


def test_behind_a_still_box_the_moving_scene_is_copied() -> None:
    clip, mask = pan(14, (0, 3)), box(14, 96, 128, (36, 60), side=18)
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    error = np.abs(fused - clip.astype(float))[mask > 0]
    unfilled = np.abs(behind(clip, mask) - clip.astype(float))[mask > 0]
    assert error.mean() < unfilled.mean() / 4  # an eighth of a pixel off, frame after frame, on a strong texture


def test_age_counts_frames_since_the_pixel_was_seen() -> None:
    clip, mask = still(7, H, W), np.zeros((7, H, W), np.float32)
    mask[2:5, 10:30, 10:30] = 1  # hidden in frames 2, 3 and 4
    before, after, _ = swept(tracked(behind(clip, mask), mask))
    place = 20, 20
    assert [before[t].age[place] for t in (2, 3, 4)] == [1, 2, 3]
    assert [after[t].age[place] for t in (2, 3, 4)] == [3, 2, 1]
    assert before[6].age[place] == after[1].age[5, 5] == 1
    assert before[1].count[place] == 1 and not before[0].count.any() and not after[6].count.any()


def test_the_nearer_copy_counts_more() -> None:
    mask = np.zeros((6, H, W), np.float32)
    mask[1:5, 16:32, 16:32] = 1
    clip = still(6, H, W) // 2 + 40
    clip[5, 12:36, 12:36] += 9  # the light goes up a little in this place alone, which is no matter of the exposure
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    values = fused[1:5, 24, 24, 0] - clip[0, 24, 24, 0]
    assert (np.diff(values) > 0).all() and values[0] < 2 and values[-1] > 7


def test_two_windows_with_memory_carried_are_one() -> None:
    clip, mask = noisy(pan(9, (1, 2)), 6), box(9, 96, 128, (10, 4), step=(3, 6), side=20)
    frames = tracked(behind(clip, mask), mask)
    whole, last = sweep_forward(frames, None)
    first, memory = sweep_forward(frames[:4], None)
    second, memory = sweep_forward(frames[4:], memory)
    assert all(same(a, b) for a, b in zip(whole, first + second, strict=True))
    assert same(last, memory)


def test_a_sweep_frame_by_frame_is_one_sweep() -> None:
    clip, mask = noisy(pan(6, (1, 2)), 6), box(6, 96, 128, (10, 4), step=(3, 6), side=20)
    frames = tracked(behind(clip, mask), mask)
    whole, last = sweep_forward(frames, None)
    memory = None
    for frame, wanted in zip(frames, whole, strict=True):
        (before,), memory = sweep_forward([frame], memory)
        assert same(before, wanted)
    assert memory is not None and same(memory, last)


def test_the_backward_sweep_returns_the_frames_asked_for() -> None:
    clip, mask = noisy(still(7, H, W), 6), box(7, H, W, (8, 4), step=(2, 6))
    frames = tracked(behind(clip, mask), mask)
    every = sweep_backward(frames, 7)
    some = sweep_backward(frames, 3)
    assert len(every) == 7 and len(some) == 3
    assert all(same(a, b) for a, b in zip(every, some, strict=False))


def test_backward_is_forward_of_the_reversed_still_clip() -> None:
    clip, mask = still(6, H, W), box(6, H, W, (8, 4), step=(2, 6))
    frames, turned = (tracked(behind(clip, mask)[::way], mask[::way]) for way in (1, -1))
    after, before = sweep_backward(frames, 6), sweep_forward(turned, None)[0][::-1]
    for a, b in zip(after, before, strict=True):
        assert np.allclose(a.count, b.count, atol=0.02) and np.array_equal(a.age, b.age)
        assert np.allclose(a.colour[a.count > 0], b.colour[a.count > 0], atol=0.5)


def test_nothing_hidden_and_nothing_moving_returns_the_picture() -> None:
    clip = still(5, H, W)
    _, _, fused = swept(tracked(clip, np.zeros((5, H, W), np.float32)))
    assert np.abs(fused - clip).max() < 0.01


def test_without_a_mask_no_pixel_is_filled() -> None:
    """The base is then the average of the frame and its memories, by their counts: nothing else."""
    clip = noisy(pan(5, (0, 2)), 8)
    frames = tracked(clip, np.zeros((5, 96, 128), np.float32))
    before, after, fused = swept(frames)
    for t, frame in enumerate(frames):
        past, future = before[t], after[t]
        total = 1 + past.count + future.count
        mean = frame.image + past.colour * past.count[..., None] + future.colour * future.count[..., None]
        assert np.allclose(fused[t], np.minimum(mean / total[..., None], 255), atol=0.01)


def test_a_still_noisy_scene_is_denoised() -> None:
    clean = still(9, H, W) // 2 + 64
    _, _, fused = swept(tracked(noisy(clean, 10), np.zeros((9, H, W), np.float32)))
    assert (fused[4] - clean[4]).std() < 10 / np.sqrt(9) * 1.3
    assert (fused[0] - clean[0]).std() < 5


def test_everything_hidden_everywhere_is_finite() -> None:
    mask = np.ones((4, H, W), np.float32)
    before, after, fused = swept(tracked(np.full((4, H, W, 3), 128, np.uint8), mask))
    assert np.isfinite(fused).all() and not fused.any()  # nobody saw anything
    assert not any(m.count.any() for m in before + after)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (48, 64)])
@pytest.mark.parametrize("hidden", [0, 1])
def test_a_clip_of_one_frame(size: tuple[int, int], hidden: int) -> None:
    image = texture(*size)
    frames = tracked(image[None], np.full((1, *size), hidden, np.float32))
    before, after, fused = swept(frames)
    assert frames[0].motion is None
    assert not before[0].count.any() and not after[0].count.any()
    assert np.array_equal(fused[0], np.zeros_like(image) if hidden else image)


def test_a_hole_that_no_frame_sees_is_filled_from_around() -> None:
    clip, mask = still(5, H, W), box(5, H, W, (20, 20))
    before, after, fused = swept(tracked(behind(clip, mask), mask))
    assert not before[4].count[25, 25] and not after[0].count[25, 25]
    assert np.abs(fused - clip)[mask == 0].max() < 0.01
    hole = fused[2][mask[2] > 0]
    assert hole.min() >= clip.min() - 1e-3 and hole.max() <= clip.max() + 1e-3
    assert not np.allclose(hole, 128, atol=5)


def test_fully_hidden_frames_are_copied_from_their_neighbours() -> None:
    clip, mask = still(8, H, W), np.zeros((8, H, W), np.float32)
    mask[3:5] = 1
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    assert np.abs(fused - clip).max() <= 2


def test_nothing_is_copied_across_a_cut() -> None:
    clip = np.concatenate([still(4, 96, 128, seed=1), still(4, 96, 128, seed=2)])
    mask = np.zeros((8, 96, 128), np.float32)
    mask[:4, 30:60, 30:60] = 1
    frames = tracked(behind(clip, mask), mask)
    before, after, fused = swept(frames)
    assert not before[4].count.any() and not after[3].count.any()
    assert np.abs(fused - clip)[mask == 0].max() < 0.01


def test_tiny_frames_are_treated_as_cuts() -> None:
    clip = np.stack([texture(5, 7, seed=t) for t in range(3)])
    _, _, fused = swept(tracked(clip, np.zeros((3, 5, 7), np.float32)))
    assert np.array_equal(fused, clip)


def test_hidden_takes_the_benefit_of_the_doubt() -> None:
    mask = np.array([[0.0, DOUBT - 0.01, DOUBT + 0.01, 1.0]], np.float32)
    frame = track(np.zeros((1, 4, 3), np.uint8), mask, None)
    assert DOUBT < 0.5 and frame.hidden.tolist() == [[False, False, True, True]]


def test_what_shines_one_pixel_beyond_its_mask_is_not_copied() -> None:
    clip, mask = still(8, H, W) // 4, box(8, H, W, (10, 4), step=(1, 6))  # 0..63: grey 128 would stand out
    shining = np.stack([cv2.dilate(hidden, np.ones((3, 3))) for hidden in mask])
    _, _, fused = swept(tracked(behind(clip, shining), mask))
    assert np.abs(fused - clip)[mask > 0].max() <= 2


@pytest.mark.parametrize("gain", [0.85, 1.15])
def test_copies_come_at_the_exposure_of_the_frame(gain: float) -> None:
    clip = still(8, 96, 128) // 2 + 60
    clip[4:] = (clip[4:] * gain).round()
    mask = box(8, 96, 128, (10, 4), step=(4, 12), side=40)
    _, _, fused = swept(tracked(behind(clip, mask), mask))
    assert np.abs(fused - clip)[mask > 0].mean() < 1.5


def test_an_exposure_that_jumps_is_not_taken_for_motion() -> None:
    clip = noisy(still(2, 96, 128) // 2 + 60, 5)
    brighter = clip.copy()
    brighter[1] = (clip[1] * 1.15).round().clip(0, 255)
    seen = np.zeros((2, 96, 128), np.float32)
    steady, jumped = (tracked(frames, seen)[1].motion for frames in (clip, brighter))
    assert steady is not None and jumped is not None
    assert np.abs(jumped.to_previous).mean() < np.abs(steady.to_previous).mean() + 0.05


def test_in_steady_light_what_is_hidden_for_long_keeps_its_colour() -> None:
    """However noisy the frames that the exposure is judged by."""
    clean, mask = still(1, 96, 128)[0] // 2 + 60, np.zeros((96, 128), np.float32)
    stay, sure = np.zeros((96, 128, 2), np.float32), np.ones((96, 128), np.float32)
    memory, drift = None, []
    for t in range(200):
        mask[30:66, 40:88] = t > 10
        frame = Tracked(
            noisy(clean, 10, seed=t), mask.copy(), np.zeros((48, 64), np.uint8), Motion(stay, stay, sure, sure)
        )
        (before,), memory = sweep_forward([frame], memory)
        drift.append((before.colour - clean)[frame.hidden].mean() if t > 10 else 0)
    assert np.abs(drift).max() < 1.5
