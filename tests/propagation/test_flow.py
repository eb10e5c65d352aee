from itertools import pairwise

import numpy as np
import pytest

from restore.propagation.flow import Motion, follow, is_cut, motion, trackable
from tests.propagation.scenes import behind, box, noisy, pan, texture

INTERIOR = slice(16, -16), slice(16, -16)


def motion_of(clip: np.ndarray, mask: np.ndarray) -> Motion:
    """Between the two frames of a clip."""
    previous, now = map(trackable, clip)
    return motion(now, previous, np.logical_or(*mask))


@pytest.mark.parametrize("step", [(0, 1), (1, 0), (2, 3), (3, 2)])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_moved_texture_is_found_to_half_a_pixel(step: tuple[int, int], hidden: bool) -> None:
    clip = pan(2, step)
    mask = box(2, 96, 128, (40, 50), side=24 if hidden else 0)  # static, while the scene moves
    found = motion_of(behind(clip, mask), mask)
    x_and_y = np.array([step[1], step[0]], np.float32)
    assert np.abs(found.to_previous - x_and_y)[INTERIOR].max() < 0.5
    assert np.abs(found.from_previous + x_and_y)[INTERIOR].max() < 0.5


def test_a_box_that_moves_against_the_scene_does_not_drag_it_along() -> None:
    clip, mask = pan(2, (0, 2)), box(2, 96, 128, (40, 50), step=(3, -3), side=24)
    found = motion_of(behind(clip, mask), mask)
    assert np.abs(found.to_previous - np.array([2, 0], np.float32))[INTERIOR].max() < 0.5


@pytest.mark.parametrize("side", [24, 56])
def test_behind_a_box_the_scene_moves_as_around_it_however_fast(side: int) -> None:
    """The box stands still on the screen, and so does what it is filled with: neither may slow the scene down."""
    picture, mask = texture(96, 160, scale=16), box(2, 96, 128, (20, 40), side=side)
    clip = np.stack([picture[:, :128], picture[:, 12:140]])
    found = motion_of(behind(clip, mask), mask)
    behind_it = mask[0] > 0
    assert np.abs(found.to_previous - np.array([12, 0], np.float32))[behind_it].max() < 0.7
    assert np.abs(found.from_previous + np.array([12, 0], np.float32))[behind_it].max() < 0.7


def test_a_far_motion_of_large_shapes_is_found() -> None:
    picture = texture(96, 160, scale=16)
    found = motion_of(np.stack([picture[:, :128], picture[:, 8:136]]), np.zeros((2, 96, 128)))
    assert np.abs(found.to_previous - np.array([8, 0], np.float32))[INTERIOR].max() < 0.5


def test_odd_sizes() -> None:
    found = motion_of(pan(2, (1, 2), height=63, width=85), np.zeros((2, 63, 85)))
    assert found.to_previous.shape == (63, 85, 2) and found.trust.shape == (63, 85)
    assert np.abs(found.to_previous - np.array([2, 1], np.float32))[INTERIOR].max() < 0.5


def test_a_still_scene_has_no_motion_at_all_not_even_with_noise() -> None:
    clip = noisy(np.stack([texture(96, 128)] * 2), 5)
    found = motion_of(clip, np.zeros((2, 96, 128)))
    moving = found.to_previous.any(-1)
    assert moving.mean() < 0.01  # exact zeros: the rest needs no resampling
    assert found.trust.min() > 0.95


def test_trust_is_one_inside_and_zero_where_the_picture_ends() -> None:
    found = motion_of(pan(2, (0, 3)), np.zeros((2, 96, 128)))
    assert found.trust.dtype == np.float32 and found.trust.min() >= 0 and found.trust.max() <= 1
    assert found.trust[INTERIOR].min() > 0.95 and found.trust_back[INTERIOR].min() > 0.95
    assert not found.trust[:, -3:].any()  # came in from the right
    assert not found.trust_back[:, :3].any()  # went out at the left
    assert found.trust[:, 3:-4].mean() > 0.95


def test_a_cut_is_trusted_nowhere() -> None:
    clip = np.stack([texture(96, 128, seed=1), texture(96, 128, seed=2)])
    found = motion_of(clip, np.zeros((2, 96, 128)))
    assert not found.trust.any() and not found.trust_back.any()
    assert not found.to_previous.any() and not found.from_previous.any()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 9), (30, 64), (31, 33)])
def test_tiny_frames(size: tuple[int, int]) -> None:
    clip = np.stack([texture(*size)] * 2)
    for mask in (np.zeros((2, *size)), np.ones((2, *size))):
        found = motion_of(clip, mask)
        assert found.to_previous.shape == found.from_previous.shape == (*size, 2)
        assert found.trust.shape == found.trust_back.shape == size
        assert np.isfinite(found.to_previous).all() and np.isfinite(found.trust).all()


def test_all_hidden_stays_finite() -> None:
    found = motion_of(np.full((2, 64, 64, 3), 128, np.uint8), np.ones((2, 64, 64)))
    assert np.isfinite(found.to_previous).all() and np.isfinite(found.trust).all()


def test_trackable_is_half_as_large_and_smooths_noise_out() -> None:
    picture = texture(61, 80, scale=20)
    clean, dirty = trackable(picture).astype(float), trackable(noisy(picture, 10)).astype(float)
    assert clean.shape == (31, 40) and trackable(picture).dtype == np.uint8
    assert (dirty - clean).std() < 2.5


@pytest.mark.parametrize("step", [(0, 0), (0, 2)])
def test_what_hides_is_not_looked_at(step: tuple[int, int]) -> None:
    clip, mask = pan(2, step), box(2, 96, 128, (40, 50), step=(2, 9), side=24)
    black, white = (motion_of(np.where(mask[..., None] > 0, np.uint8(level), clip), mask) for level in (0, 255))
    assert np.abs(black.to_previous - white.to_previous).max() < 0.5  # a blur's tail reaches out of the box
    assert np.abs(black.trust - white.trust).max() < 0.05


def test_a_box_that_moves_over_a_still_scene_makes_no_motion() -> None:
    clip, mask = pan(2, (0, 0)), box(2, 96, 128, (40, 50), step=(2, 12), side=24)
    found = motion_of(behind(clip, mask), mask)
    assert not found.to_previous.any() and found.trust.min() == 1


def test_a_frame_that_is_hidden_in_full_is_no_cut() -> None:
    clip, mask = pan(2, (0, 0)), np.zeros((2, 96, 128))
    mask[1] = 1
    found = motion_of(behind(clip, mask), mask)
    assert not found.to_previous.any() and found.trust.min() == 1


def test_is_cut_tells_scenes_apart() -> None:
    lumas = [texture(48, 64, seed=seed)[..., 0] for seed in range(8)]
    assert all(is_cut(a, b) for a, b in pairwise(lumas))
    assert not any(is_cut(a, noisy(a, 15)) for a in lumas)


@pytest.mark.parametrize(("size", "sigma"), [((96, 128), 5), ((96, 128), 15), ((240, 320), 30)])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_on_flat_frames_is_no_cut(size: tuple[int, int], sigma: float, channels: int) -> None:
    lumas = []
    for seed in range(5):
        grain = np.random.default_rng(seed).normal(100, sigma, (*size, channels))
        frame = np.clip(grain.repeat(3 // channels, -1), 0, 255).astype(np.uint8)
        lumas.append(trackable(frame))
    assert not any(is_cut(a, b) for a in lumas for b in lumas)


def test_a_change_of_light_is_no_cut() -> None:
    luma = texture(48, 64)[..., 0] // 2
    assert not is_cut(luma + 60, luma)


def test_follow_reads_where_the_flow_points_and_zero_outside() -> None:
    picture = texture(20, 30).astype(np.float32)
    flow = np.zeros((20, 30, 2), np.float32)
    flow[..., 0] = 4
    got = follow(picture, flow)
    assert np.allclose(got[:, :26], picture[:, 4:], atol=1e-3) and not got[:, 26:].any()
    assert follow(picture[..., 0], flow).shape == (20, 30)
