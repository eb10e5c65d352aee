import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.flow import Motion, estimate
from tests.propagation.footage import box, camera, covered, frames_of, noisy, pan, texture

INTERIOR = slice(16, -16), slice(16, -16)


def motion_of(clip: np.ndarray, mask: np.ndarray | None = None) -> Motion:
    """Between the two frames of a clip."""
    previous, now = frames_of(clip, np.zeros(clip.shape[:3]) if mask is None else mask)
    return estimate(now, previous)


def vectors(motion: Motion, height: int = 96, width: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Backward and forward, at full resolution."""
    return motion.backward.at(height, width)[0], motion.forward.at(height, width)[0]


def off(flow: np.ndarray, x: float, y: float) -> np.ndarray:
    """By how much a flow misses (x, y), `H W`."""
    return np.abs(flow - np.array([x, y], np.float32)).max(-1)


@pytest.mark.parametrize("step", [(0, 1), (1, 0), (2, 3), (3, 2)])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_moved_texture_is_found_to_half_a_pixel(step: tuple[int, int], hidden: bool) -> None:
    clip = pan(2, step)
    mask = box(2, 96, 128, (40, 50), side=24 if hidden else 0)  # static, while the scene moves
    found = motion_of(covered(clip, mask), mask)
    backward, forward = vectors(found)
    assert off(backward, step[1], step[0])[INTERIOR].max() < 0.5
    assert off(forward, -step[1], -step[0])[INTERIOR].max() < 0.5
    assert not found.static and not found.backward.zero and not found.forward.zero


@pytest.mark.parametrize("step", [(0.1, 0.0), (0.0, 0.2), (0.35, 0.35), (1.3, 0.0)])
@pytest.mark.parametrize("hidden", [False, True])
def test_motion_of_a_fraction_of_a_pixel_is_found(step: tuple[float, float], hidden: bool) -> None:
    clip, mask = camera(2, *step), box(2, 96, 128, (30, 40), side=36 if hidden else 0)
    backward, forward = vectors(motion_of(covered(clip, mask), mask))
    assert off(backward, *step)[INTERIOR].mean() < 0.08
    assert off(forward, -step[0], -step[1])[INTERIOR].mean() < 0.08


def test_a_box_that_moves_against_the_scene_does_not_drag_it_along() -> None:
    clip, mask = pan(2, (0, 2)), box(2, 96, 128, (40, 50), step=(3, -3), side=24)
    backward, _ = vectors(motion_of(covered(clip, mask), mask))
    assert off(backward, 2, 0)[INTERIOR].max() < 0.5


@pytest.mark.parametrize("side", [24, 56])
def test_behind_a_box_the_scene_moves_as_around_it_however_fast(side: int) -> None:
    """The box is at rest on the screen, and so is what it is filled with: neither may slow the scene down."""
    picture, mask = texture(96, 160, scale=16), box(2, 96, 128, (20, 40), side=side)
    clip = np.stack([picture[:, :128], picture[:, 12:140]])
    backward, forward = vectors(motion_of(covered(clip, mask), mask))
    hidden = mask[0] > 0
    assert off(backward, 12, 0)[hidden].max() < 0.7
    assert off(forward, -12, 0)[hidden].max() < 0.7


def test_a_far_motion_of_large_shapes_is_found() -> None:
    picture = texture(96, 160, scale=16)
    backward, _ = vectors(motion_of(np.stack([picture[:, :128], picture[:, 8:136]])))
    assert off(backward, 8, 0)[INTERIOR].max() < 0.5


def test_odd_sizes() -> None:
    found = motion_of(pan(2, (1, 2), height=63, width=85))
    assert found.backward.vectors.shape == (32, 43, 2) and found.backward.consistency.shape == (32, 43)
    backward, _ = vectors(found, 63, 85)
    assert backward.shape == (63, 85, 2)
    assert off(backward, 2, 1)[INTERIOR].max() < 0.5


def test_a_scene_at_rest_has_no_motion_at_all_not_even_with_noise() -> None:
    found = motion_of(noisy(np.stack([texture(96, 128)] * 2), 5))
    assert found.static
    assert found.backward.vectors.any(-1).mean() < 0.01  # exact zeros: the rest needs no resampling
    assert found.backward.consistency.min() > 0.95


def test_an_object_that_moves_before_a_static_camera_is_found() -> None:
    clip = np.stack([texture(96, 128)] * 2)
    clip[0, 24:72, 40:76] = clip[1, 24:72, 43:79] = texture(48, 36, seed=3, scale=16)
    found = motion_of(clip)
    assert found.static and not found.backward.zero
    backward, _ = vectors(found)
    assert np.median(off(backward, -3, 0)[30:66, 48:72]) < 1
    assert not backward[:, 100:].any()


def test_consistency_is_one_inside_and_zero_where_the_picture_ends() -> None:
    found = motion_of(pan(2, (0, 4)))
    (_, backward), (_, forward) = found.backward.at(96, 128), found.forward.at(96, 128)
    assert backward.dtype == np.float32 and backward.min() >= 0 and backward.max() <= 1
    assert backward[INTERIOR].min() > 0.95 and forward[INTERIOR].min() > 0.95
    assert not found.backward.consistency[:, -2:].any()  # came in from the right
    assert not found.forward.consistency[:, :2].any()  # went out at the left
    assert backward[:, 4:-6].mean() > 0.95


def test_what_an_object_uncovers_is_not_consistent() -> None:
    clip = np.stack([texture(96, 128)] * 2)
    clip[0, 24:72, 30:66] = clip[1, 24:72, 42:78] = texture(48, 36, seed=3, scale=16)
    found = motion_of(clip)
    _, backward = found.backward.at(96, 128)
    assert backward[30:66, 32:40].mean() < 0.8 < 0.95 < backward[:, 100:].min()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 9), (30, 64), (31, 33)])
def test_tiny_frames(size: tuple[int, int]) -> None:
    clip = np.stack([texture(*size)] * 2)
    for mask in (np.zeros((2, *size)), np.ones((2, *size))):
        found = motion_of(clip, mask)
        for flow in (found.backward, found.forward):
            vector, consistency = flow.at(*size)
            assert vector.shape == (*size, 2) and consistency.shape == size
            assert np.isfinite(vector).all() and np.isfinite(consistency).all()


def test_on_frames_too_small_for_flow_nothing_is_consistent() -> None:
    found = motion_of(np.stack([texture(20, 30)] * 2))
    assert not found.backward.consistency.any() and not found.forward.consistency.any()


def test_all_hidden_stays_finite() -> None:
    found = motion_of(np.full((2, 64, 64, 3), 128, np.uint8), np.ones((2, 64, 64)))
    assert np.isfinite(found.backward.vectors).all() and np.isfinite(found.backward.consistency).all()


@pytest.mark.parametrize("step", [(0, 0), (0, 2)])
def test_what_is_hidden_does_not_count(step: tuple[int, int]) -> None:
    clip, mask = pan(2, step), box(2, 96, 128, (40, 50), step=(2, 9), side=24)
    black, white = (motion_of(np.where(mask[..., None] > 0, np.uint8(level), clip), mask) for level in (0, 255))
    assert black.static == white.static == (step == (0, 0))
    # A blur's tail reaches out of the box.
    assert np.abs(black.backward.vectors - white.backward.vectors).max() < 0.5
    assert np.abs(black.backward.consistency - white.backward.consistency).max() < 0.05


def test_a_box_that_moves_over_a_scene_at_rest_makes_no_motion() -> None:
    clip, mask = pan(2, (0, 0)), box(2, 96, 128, (40, 50), step=(2, 12), side=24)
    found = motion_of(covered(clip, mask), mask)
    assert found.static and found.backward.zero and found.forward.zero and found.backward.consistency.min() == 1


def test_a_frame_that_is_hidden_in_full_is_at_rest() -> None:
    clip, mask = pan(2, (0, 0)), np.zeros((2, 96, 128))
    mask[1] = 1
    found = motion_of(covered(clip, mask), mask)
    assert found.static and found.backward.zero and found.backward.consistency.min() == 1


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("gain", [0.8, 1.25])
def test_an_exposure_that_jumps_is_not_taken_for_motion(gain: float, hidden: bool) -> None:
    scene, mask = texture(96, 128) // 2 + 40, box(2, 96, 128, (20, 30), side=40 if hidden else 0)
    clip = noisy(np.stack([scene, scene * gain]), 3)
    found = motion_of(covered(clip, mask), mask)
    assert found.static and found.backward.vectors.any(-1).mean() < 0.01


def test_motion_is_found_through_an_exposure_that_jumps() -> None:
    clip = camera(2, 0.35, 0.35) // 2 + 40
    clip[1] = (clip[1] * 1.3).round().clip(0, 255)
    backward, _ = vectors(motion_of(clip))
    assert off(backward, 0.35, 0.35)[INTERIOR].mean() < 0.08


def test_frames_need_masks() -> None:
    frame = Frame(texture(64, 64))
    with pytest.raises(AssertionError, match="the mask is set before it is used"):
        estimate(frame, frame)
