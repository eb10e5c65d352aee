import itertools

import numpy as np
import pytest
from restore.refinement.steady import KEPT, steadied

from restore.propagation.flow import Motion, motion, trackable
from tests.propagation.scenes import pan, texture

HEIGHT, WIDTH = 64, 80
SCENE = np.s_[:, 24:40, 24:56]  # far from the edges of the picture


def noise(frames: int, sigma: float = 10.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (frames, HEIGHT, WIDTH, 3)).astype(np.float32)


def moving(frames: int, x: float = 0, y: float = 0) -> list[Motion]:
    """The motions of a scene that goes (x, y) pixels a frame, all trusted."""
    flow = np.full((HEIGHT, WIDTH, 2), (x, y), np.float32)
    sure = np.ones((HEIGHT, WIDTH), np.float32)
    return [Motion(-flow, flow, sure, sure)] * (frames - 1)


def rolled(picture: np.ndarray, frames: int, x: int) -> np.ndarray:
    """`H W 3` => `T H W 3`, `x` pixels further to the right in each frame."""
    return np.stack([np.roll(picture, x * t, 1) for t in range(frames)]).astype(np.float32)


def flicker(pictures: np.ndarray) -> float:
    return float(np.abs(np.diff(pictures[SCENE], axis=0)).mean())


def test_a_single_frame_is_left_as_it_is() -> None:
    np.testing.assert_allclose(steadied(noise(1), []), noise(1), atol=1e-4)


def test_a_still_scene_flickers_less_and_nothing_else_changes() -> None:
    scene = texture(HEIGHT, WIDTH, scale=3)[None].astype(np.float32)
    given = scene + noise(8, sigma=5)
    before = given.copy()
    result = steadied(given, moving(8))
    assert result.dtype == np.float32 and np.array_equal(given, before)
    assert flicker(result) < 0.5 * flicker(given)
    assert np.square(result - scene).mean() < 0.6 * np.square(given - scene).mean()


def test_frames_before_and_after_weigh_alike_and_the_nearest_most() -> None:
    flash = np.zeros((7, HEIGHT, WIDTH, 3), np.float32)
    shares = []
    for t in range(7):
        flash[:], flash[t] = 0, 1
        shares.append(steadied(flash, moving(7))[:, 32, 40, 0])
    weights = np.stack(shares, axis=1)  # of all frames, in each
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-4)
    np.testing.assert_allclose(weights[0, 1:] / weights[0, :-1], KEPT, atol=1e-3)
    noise_left = np.linalg.norm(weights, axis=1)
    assert noise_left.max() < 1.5 * noise_left.min()  # at the ends of the stretch, and in its middle


@pytest.mark.parametrize("step", [-4, 3])
def test_a_moving_texture_is_followed_rather_than_smeared(step: int) -> None:
    given = rolled(texture(HEIGHT, WIDTH, scale=3), 8, step)
    assert np.abs(steadied(given, moving(8, step)) - given)[SCENE].max() < 0.1
    assert np.abs(steadied(given, moving(8)) - given)[SCENE].mean() > 10


def test_the_flow_of_a_scene_carries_it() -> None:
    scene = pan(8, (0, 2), HEIGHT, WIDTH)
    nothing_hidden = np.zeros((HEIGHT, WIDTH), bool)
    lumas = [trackable(frame) for frame in scene]
    motions = [motion(now, before, nothing_hidden) for before, now in itertools.pairwise(lumas)]
    given = scene + noise(8, sigma=20)
    result = steadied(given, motions)
    assert np.square(result - scene)[SCENE].mean() < 0.7 * np.square(given - scene)[SCENE].mean()


def test_what_cannot_be_trusted_is_not_averaged() -> None:
    unsure = np.zeros((HEIGHT, WIDTH), np.float32)
    still = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    np.testing.assert_allclose(steadied(noise(3), [Motion(still, still, unsure, unsure)] * 2), noise(3), atol=1e-3)


def test_what_comes_from_beyond_the_picture_darkens_nothing() -> None:
    bright = np.full((5, HEIGHT, WIDTH, 3), 200, np.float32)
    np.testing.assert_allclose(steadied(bright, moving(5, 9, -7)), bright, atol=1e-3)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"pictures must be float32 T H W 3, got float32 of shape \(64, 80, 3\)"):
        steadied(noise(2)[0], [])
    with pytest.raises(ValueError, match="need a motion between every two frames, got 3 frames, 1 motions"):
        steadied(noise(3), moving(2))
