from itertools import pairwise

import cv2
import numpy as np
import pytest

from restore.frame import HIDDEN, Frame
from restore.propagation import engine
from restore.propagation.engine import Propagation
from restore.propagation.memory import Memory
from tests.propagation.footage import (
    GREY,
    at_rest,
    bases,
    box,
    camera,
    covered,
    frames_of,
    noisy,
    nothing_hidden,
    pan,
    propagated,
    texture,
)

H, W = 48, 64
CORE, CONTEXT = 8, 4  # of the windows of `small_windows`


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of large pictures."""
    monkeypatch.setattr(engine, "CORE_FRAMES", (CORE, CORE))


def same(a: Memory, b: Memory) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("colour", "count", "age"))


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("length", [1, 2, CORE - 1, CORE, CORE + 1, CORE + CONTEXT, CORE + CONTEXT + 1, 3 * CORE])
def test_each_frame_comes_back_once_and_in_order(length: int) -> None:
    clip = at_rest(length, 32, 40)
    frames, propagation, ready = frames_of(clip, nothing_hidden(clip)), Propagation(32, 40), []
    for pushed, frame in enumerate(frames, 1):
        ready += propagation.push(frame)
        assert len(ready) == max(0, (pushed - CONTEXT) // CORE) * CORE  # the context of the future waits
    ready += propagation.flush()
    assert [one.frame for one in ready] == frames and not list(propagation.flush())
    assert [one.previous for one in ready] == [frames[0], *frames[:-1]]
    assert [one.following for one in ready] == [*frames[1:], frames[-1]]
    assert frames[0].motion is None and all(frame.motion is not None for frame in frames[1:])


def test_the_window_falls_with_the_size_of_the_picture() -> None:
    sizes = (32, 40), (240, 320), (480, 640), (1080, 1920)
    windows = [(propagation._core, propagation._context) for propagation in (Propagation(*size) for size in sizes)]
    assert windows == [(48, 16), (40, 13), (10, 4), (6, 4)]


def test_a_frame_of_another_size() -> None:
    with pytest.raises(ValueError, match="frame is 40x32, expected 64x48"):
        list(Propagation(48, 64).push(Frame(texture(32, 40), mask=np.zeros((32, 40), np.float32), scene=0)))


def test_the_past_does_not_depend_on_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    clip, mask = noisy(pan(30, (1, 2), 64, 80), 6), box(30, 64, 80, (4, 4), step=(1, 2), side=16)
    whole = propagated(covered(clip, mask), mask)
    monkeypatch.setattr(engine, "CORE_FRAMES", (CORE, CORE))
    parts = propagated(covered(clip, mask), mask)
    assert not any(one.frame.motion.static for one in whole if one.frame.motion)
    assert all(same(a.past, b.past) for a, b in zip(whole, parts, strict=True))
    # The last window ends with the clip either way.
    assert all(same(a.future, b.future) for a, b in zip(whole[24:], parts[24:], strict=True))
    assert any(not same(a.future, b.future) for a, b in zip(whole, parts, strict=True))


@pytest.mark.usefixtures("small_windows")
def test_every_frame_has_a_future_of_several_frames() -> None:
    clip, mask = at_rest(3 * CORE, H, W), box(3 * CORE, H, W, (10, 10))
    mask[CORE - 2 : CORE + 2] = 0  # visible on both sides of a window's end, and nowhere else
    evidence = propagated(covered(clip, mask), mask)
    counts = [one.future.count[0, 0] for one in evidence]
    assert min(counts[:-CONTEXT]) >= CONTEXT and counts[-CONTEXT:] == list(range(CONTEXT - 1, -1, -1))
    assert all(one.copied[15, 15] for one in evidence if one.frame.hidden[15, 15])


def test_what_another_frame_saw_is_copied() -> None:
    clip, mask = at_rest(8, H, W), box(8, H, W, (10, 4), step=(1, 6))
    assert mask.min(0).max() == 0  # every pixel is visible in some frame
    assert np.abs(bases(propagated(covered(clip, mask), mask)) - clip).max() <= 2


def test_nothing_of_the_box_is_copied_into_the_picture() -> None:
    clip, mask = at_rest(8, H, W) // 4, box(8, H, W, (10, 4), step=(1, 6))  # 0..63: the box is brighter
    assert bases(propagated(covered(clip, mask), mask)).max() < 66


def test_behind_a_box_at_rest_the_moving_scene_is_copied() -> None:
    clip, mask = pan(14, (0, 3)), box(14, 96, 128, (36, 60), side=18)
    error = bases(propagated(covered(clip, mask), mask)) - clip
    hidden = mask > 0
    assert np.abs(error[hidden]).mean() < np.abs(GREY - clip.astype(float))[hidden].mean() / 4


def test_age_counts_frames_since_the_pixel_was_seen() -> None:
    clip, mask = at_rest(7, H, W), np.zeros((7, H, W), np.float32)
    mask[2:5, 10:30, 10:30] = 1  # hidden in frames 2, 3 and 4
    evidence = propagated(covered(clip, mask), mask)
    place = 20, 20
    assert [evidence[t].past.age[place] for t in (2, 3, 4)] == [1, 2, 3]
    assert [evidence[t].future.age[place] for t in (2, 3, 4)] == [3, 2, 1]
    assert evidence[6].past.age[place] == evidence[1].future.age[5, 5] == 1
    assert (
        evidence[1].past.count[place] == 1 and not evidence[0].past.known.any() and not evidence[6].future.known.any()
    )


def test_the_more_recent_copy_counts_more() -> None:
    mask = np.zeros((6, H, W), np.float32)
    mask[1:5, 16:32, 16:32] = 1
    clip = at_rest(6, H, W) // 2 + 40
    clip[5, 12:36, 12:36] += 9  # the light goes up a little in this place alone, which is no matter of the exposure
    values = bases(propagated(covered(clip, mask), mask))[1:5, 24, 24, 0] - clip[0, 24, 24, 0]
    assert (np.diff(values) > 0).all() and values[0] < 2 and values[-1] > 7


def test_past_and_future_are_where_they_belong_in_the_stack() -> None:
    clip, mask = at_rest(6, H, W), np.zeros((6, H, W), np.float32)
    mask[3:5, 16:32, 16:32] = 1  # last visible in frame 2, and again in frame 5
    stack = propagated(covered(clip, mask), mask)[3].stack()
    assert stack[24, 24, 16] == pytest.approx(1) and stack[24, 24, 21] == pytest.approx(1 / 2)
    assert stack[24, 24, 15] == pytest.approx(0.3) and stack[24, 24, 20] == pytest.approx(0.1)


def test_backward_is_forward_of_the_reversed_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the background, whose ages are reckoned from where a pixel was seen last."""
    monkeypatch.setattr(
        engine, "warped_before_background", lambda memory, flow, *, now, **_: memory.warped(flow).relit(now)
    )
    clip, mask = at_rest(6, H, W), box(6, H, W, (8, 4), step=(2, 6))
    forth, back = (propagated(covered(clip, mask)[::way], mask[::way]) for way in (1, -1))
    for one, other in zip(forth, back[::-1], strict=True):
        a, b = one.future, other.past
        assert np.allclose(a.count, b.count, atol=0.02) and np.array_equal(a.age[a.known], b.age[b.known])
        assert np.allclose(a.colour[a.known], b.colour[b.known], atol=0.5)


def test_nothing_hidden_and_nothing_moving_returns_the_picture() -> None:
    clip = at_rest(5, H, W)
    assert np.abs(bases(propagated(clip, nothing_hidden(clip))) - clip).max() < 0.01


def test_without_a_mask_no_pixel_is_filled() -> None:
    """The base is then the average of the frame and its memories, by their counts: nothing else."""
    clip = noisy(pan(5, (0, 2)), 8)
    for one in propagated(clip, nothing_hidden(clip)):
        past, future = one.past, one.future
        total = 1 + past.count + future.count
        mean = one.frame.image + past.colour * past.count[..., None] + future.colour * future.count[..., None]
        assert np.allclose(one.base(), np.minimum(mean / total[..., None], 255), atol=0.01)


def test_a_noisy_scene_at_rest_is_denoised() -> None:
    clean = at_rest(9, H, W) // 2 + 64
    evidence = propagated(noisy(clean, 10), nothing_hidden(clean))
    base = bases(evidence)
    assert all(one.frame.motion.static for one in evidence if one.frame.motion)
    assert (base[4] - clean[4]).std() < 10 / np.sqrt(9) * 1.3
    assert (base[0] - clean[0]).std() < 5


def test_everything_hidden_everywhere_is_finite() -> None:
    evidence = propagated(np.full((4, H, W, 3), GREY, np.uint8), np.ones((4, H, W), np.float32))
    assert not bases(evidence).any()  # nobody saw anything
    assert not any(memory.known.any() for one in evidence for memory in (one.past, one.future))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (48, 64)])
@pytest.mark.parametrize("hidden", [0, 1])
def test_a_clip_of_one_frame(size: tuple[int, int], hidden: int) -> None:
    image = texture(*size)
    (one,) = propagated(image[None], np.full((1, *size), hidden, np.float32))
    assert one.frame.motion is None and one.previous is one.following is one.frame
    assert not one.past.known.any() and not one.future.known.any()
    assert np.array_equal(one.base(), np.zeros_like(image) if hidden else image)


def test_a_hole_that_no_frame_sees_is_filled_from_around() -> None:
    clip, mask = at_rest(5, H, W), box(5, H, W, (20, 20))
    evidence = propagated(covered(clip, mask), mask)
    base = bases(evidence)
    assert not evidence[4].past.count[25, 25] and not evidence[0].future.count[25, 25]
    assert np.abs(base - clip)[mask == 0].max() < 0.01
    hole = base[2][mask[2] > 0]
    assert hole.min() >= clip.min() - 1e-3 and hole.max() <= clip.max() + 1e-3
    assert not np.allclose(hole, GREY, atol=5)


def test_fully_hidden_frames_are_copied_from_their_neighbours() -> None:
    clip, mask = at_rest(8, H, W), np.zeros((8, H, W), np.float32)
    mask[3:5] = 1
    assert np.abs(bases(propagated(covered(clip, mask), mask)) - clip).max() <= 2


def cut(seeds: tuple[int, int] = (1, 2)) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Two scenes of four frames each, of the same colours; a box before the first, and then before both."""
    clip = np.concatenate([at_rest(4, 96, 128, seed=seed) for seed in seeds])
    mask = np.zeros((8, 96, 128), np.float32)
    mask[2:6, 30:60, 30:60] = 1
    return clip, mask, [0] * 4 + [1] * 4


def test_nothing_is_carried_across_a_cut() -> None:
    clip, mask, scenes = cut()
    evidence = propagated(covered(clip, mask), mask, scenes)
    first, second = evidence[:4], evidence[4:]
    assert not second[0].past.known.any() and not first[-1].future.known.any()
    assert second[0].frame.motion is None and second[0].previous is second[0].frame
    assert first[-1].following is first[-1].frame
    for own, alone in (
        (first, propagated(covered(clip, mask)[:4], mask[:4])),
        (second, propagated(covered(clip, mask)[4:], mask[4:])),
    ):
        for one, other in zip(own, alone, strict=True):
            assert np.array_equal(one.stack(), other.stack())


def test_scenes_that_look_alike_are_as_separate() -> None:
    """Both show the same ground, one darker in a place that the box hides: nothing but the number can part them."""
    clip, mask, scenes = cut((1, 1))
    clip[4:, 36:54, 36:54] //= 4
    base = bases(propagated(covered(clip, mask), mask, scenes))
    hidden = np.s_[36:54, 36:54]
    assert np.abs(base[2:4][:, *hidden] - clip[2:4][:, *hidden]).max() < 2
    assert np.abs(base[4:6][:, *hidden] - clip[4:6][:, *hidden]).max() < 2


def test_the_background_ends_with_its_scene() -> None:
    clip = np.concatenate([at_rest(12, 96, 128, seed=1)] * 2)
    mask = np.zeros((24, 96, 128), np.float32)
    mask[12:, 30:60, 30:60] = 1  # of the second scene nobody sees this place
    evidence = propagated(covered(clip, mask), mask, [0] * 12 + [1] * 12)
    assert not any(one.copied.any() for one in evidence)


@pytest.mark.parametrize("step", [0.0, 0.1])
def test_a_camera_that_drifts_begins_a_new_background(step: float) -> None:
    clip = camera(30, step)
    propagation, votes = Propagation(*clip.shape[1:3]), []
    for frame in frames_of(clip, nothing_hidden(clip)):
        assert not list(propagation.push(frame))
        votes.append(float(propagation._background.votes.max()))
    if step:
        assert max(votes) <= 3  # 1/480 of the height is 0.2 px
    else:
        assert votes == list(range(1, 31))


@pytest.mark.parametrize("size", [(5, 7), (30, 40)])
def test_on_frames_too_small_for_flow_nothing_is_averaged(size: tuple[int, int]) -> None:
    clip = np.stack([texture(*size, seed=t) for t in range(3)])
    assert np.array_equal(bases(propagated(clip, nothing_hidden(clip))), clip)


def test_a_doubtful_pixel_is_hidden() -> None:
    mask = np.array([[0.0, HIDDEN - 0.01, HIDDEN + 0.01, 1.0]], np.float32)
    (one,) = propagated(np.full((1, 1, 4, 3), 50, np.uint8), mask[None])
    assert HIDDEN < 0.5 and one.provenance.tolist() == [[0, 0, 2, 2]]


def test_what_shines_one_pixel_beyond_its_mask_is_not_copied() -> None:
    clip, mask = at_rest(8, H, W) // 4, box(8, H, W, (10, 4), step=(1, 6))  # 0..63: the box is brighter
    shining = np.stack([cv2.dilate(hidden, np.ones((3, 3))) for hidden in mask])
    error = bases(propagated(covered(clip, shining), mask)) - clip
    assert np.abs(error)[mask > 0].max() <= 2


def test_the_flow_of_each_sweep_leads_the_way_of_that_sweep() -> None:
    clip = np.stack([np.roll(texture(96, 128, scale=12), 3 * t, 1) for t in range(6)])
    evidence = propagated(clip, nothing_hidden(clip))
    inside = np.s_[16:-16, 32:-32]
    for one, other in pairwise(evidence):
        assert np.abs(other.past.colour - other.frame.image)[inside].mean() < 4
        assert np.abs(one.future.colour - one.frame.image)[inside].mean() < 4
