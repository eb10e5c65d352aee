from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.flow import Motion, estimate
from restore.propagation.temporal_filter import (
    FRAME_DECAY,
    HIDDEN_WEIGHT,
    PICTURE_DECAY,
    RADIUS,
    SAME_OBJECT,
    filter_hidden,
    filter_pictures,
)
from tests.propagation.footage import frames_of, pan, texture, uniform_motion

HEIGHT, WIDTH = 64, 80
HOLE = np.s_[24:40, 24:56]  # far from the edges of the picture
INSIDE = np.s_[:, 24:40, 24:56]


@dataclass
class Restored:
    frame: Frame
    image: np.ndarray


def moving(x: float = 0, y: float = 0, consistency: float = 1) -> Motion:
    return uniform_motion(HEIGHT, WIDTH, x, y, consistency)


def restored(image: np.ndarray, hidden: np.ndarray, motion: Motion | None) -> Restored:
    return Restored(Frame(image, mask=hidden.astype(np.float32), motion=motion, scene=0), image)


def hole(there: bool = True) -> np.ndarray:
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[HOLE] = there
    return hidden


def clip(step: int = 0, *, noise: float = 6, always: bool = False, motion: Motion | None = None) -> list[Restored]:
    """A texture that goes `step` pixels a frame; the hole, filled with noise on the texture, in the middle frame only,
    or in all.
    """
    scene = texture(HEIGHT, WIDTH, scale=3)
    rng = np.random.default_rng(0)
    images = []
    for t in range(2 * RADIUS + 1):
        image, hidden = np.roll(scene, step * (t - RADIUS), 1).astype(np.float32), hole(always or t == RADIUS)
        image[hidden] += rng.normal(0, noise, (int(hidden.sum()), 3))
        images.append(
            restored(image.clip(0, 255).round().astype(np.uint8), hidden, (motion or moving(step)) if t else None)
        )
    return images


def error(image: np.ndarray) -> float:
    return float(np.square(image[HOLE].astype(float) - texture(HEIGHT, WIDTH, scale=3)[HOLE]).mean())


@pytest.mark.parametrize("step", [0, 3, -2])
def test_what_others_saw_is_closer_to_the_scene_and_what_was_visible_stays(step: int) -> None:
    images = clip(step)
    own = images[RADIUS].image
    image = filter_hidden(images, RADIUS)
    assert image.dtype == np.uint8 and error(image) < 0.3 * error(own)
    visible = ~images[RADIUS].frame.hidden
    assert np.array_equal(image[visible], own[visible])


def test_what_none_saw_errs_less_on_average() -> None:
    images = clip(always=True)
    assert error(filter_hidden(images, RADIUS)) < 0.4 * error(images[RADIUS].image)


def plain(level: int, visible: bool = False, motion: Motion | None = None) -> Restored:
    return restored(np.full((HEIGHT, WIDTH, 3), level, np.uint8), hole(not visible), motion or moving())


def pulled(others: list[Restored]) -> int:
    """By how many levels a hidden pixel of the middle frame, at 100, is pulled by two frames before and two after."""
    image = filter_hidden([*others[:2], plain(100), *others[2:]], RADIUS)
    return int(image[HOLE][0, 0, 0]) - 100


def expected(levels: list[int], visible: bool) -> float:
    """The weighted mean of 100 and these, one and two frames away on one side."""
    weights = [
        FRAME_DECAY ** (k + 1) * np.exp(-(((level - 100) / SAME_OBJECT) ** 2)) * (1 if visible else HIDDEN_WEIGHT)
        for k, level in enumerate(levels)
    ]
    return (HIDDEN_WEIGHT * 100 + np.dot(weights, levels)) / (HIDDEN_WEIGHT + sum(weights))


@pytest.mark.parametrize("visible", [True, False])
@pytest.mark.parametrize("levels", [[110, 100], [100, 110], [120, 120], [90, 130]])
def test_weights_are_those_of_distance_of_sight_and_of_likeness(levels: list[int], visible: bool) -> None:
    others = [plain(level, visible) for level in levels]
    after = filter_hidden([plain(100, motion=None), *others], 0)[HOLE]
    assert np.abs(after - expected(levels, visible)).max() <= 0.51
    before = filter_hidden([*others[::-1], plain(100)], 2)[HOLE]
    assert np.array_equal(before, after)


def test_visible_frames_weigh_more_than_hidden_ones_and_close_ones_more_than_far_ones() -> None:
    same, seen, filled = plain(100, True), plain(120, True), plain(120)
    assert 20 > pulled([seen] * 4) > pulled([filled] * 4) > 0
    assert pulled([same, seen, seen, same]) > pulled([seen, same, same, seen]) > 0


@pytest.mark.parametrize("index", [0, 1, 2 * RADIUS])
def test_the_ends_of_a_video_have_neighbours_on_one_side(index: int) -> None:
    images = clip(always=True)
    assert error(filter_hidden(images, index)) < 0.6 * error(images[index].image)


def test_another_scene_contributes_nothing() -> None:
    """The motion of the first frame of a scene is None."""
    first, last = [plain(100) for _ in range(2)], [plain(110) for _ in range(3)]
    last[0].frame.motion = first[0].frame.motion = None
    images = [*first, *last]
    assert (filter_hidden(images, 1)[HOLE] == 100).all() and (filter_hidden(images, 2)[HOLE] == 110).all()
    last[0].frame.motion = moving()
    assert (filter_hidden(images, 1)[HOLE] > 100).all() and (filter_hidden(images, 2)[HOLE] < 110).all()


def test_a_frame_alone_is_left_as_it_is() -> None:
    image = clip()[RADIUS]
    image.frame.motion = None
    assert np.array_equal(filter_hidden([image], 0), image.image)


def test_where_nothing_is_hidden_nothing_is_done() -> None:
    images = clip()
    assert filter_hidden(images, 0) is images[0].image


def test_motion_that_is_not_consistent_contributes_nothing() -> None:
    images = clip(motion=moving(consistency=0))
    assert np.array_equal(filter_hidden(images, RADIUS), images[RADIUS].image)


def test_another_object_contributes_nothing() -> None:
    images = clip(noise=0)
    own = images[RADIUS]
    other = own.image.astype(float)
    other[HOLE] = np.where(other[HOLE] > 127, other[HOLE] - 5 * SAME_OBJECT, other[HOLE] + 5 * SAME_OBJECT)
    images[RADIUS] = restored(other.astype(np.uint8), own.frame.hidden, own.frame.motion)
    assert np.array_equal(filter_hidden(images, RADIUS), other.astype(np.uint8))


def test_what_comes_from_beyond_the_picture_darkens_nothing() -> None:
    everywhere, bright = np.ones((HEIGHT, WIDTH), bool), np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    images = [restored(bright, everywhere, moving(9, -7) if t else None) for t in range(3)]
    assert np.array_equal(filter_hidden(images, 1), bright)
    pictures = np.full((5, HEIGHT, WIDTH, 3), 200, np.float32)
    np.testing.assert_allclose(filter_pictures(pictures, [moving(9, -7)] * 4), pictures, atol=1e-3)


def noise(frames: int, sigma: float = 10.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (frames, HEIGHT, WIDTH, 3)).astype(np.float32)


def rolled(image: np.ndarray, frames: int, x: int) -> np.ndarray:
    """`H W 3` => `T H W 3`, `x` pixels further to the right in each frame."""
    return np.stack([np.roll(image, x * t, 1) for t in range(frames)]).astype(np.float32)


def flicker(pictures: np.ndarray) -> float:
    return float(np.abs(np.diff(pictures[INSIDE], axis=0)).mean())


def test_a_single_picture_is_left_as_it_is() -> None:
    np.testing.assert_allclose(filter_pictures(noise(1), []), noise(1), atol=1e-4)


def test_a_scene_at_rest_flickers_less_and_nothing_else_changes() -> None:
    scene = texture(HEIGHT, WIDTH, scale=3)[None].astype(np.float32)
    given = scene + noise(8, sigma=5)
    before = given.copy()
    result = filter_pictures(given, [moving()] * 7)
    assert result.dtype == np.float32 and np.array_equal(given, before)
    assert flicker(result) < 0.5 * flicker(given)
    assert np.square(result - scene).mean() < 0.6 * np.square(given - scene).mean()


def test_pictures_before_and_after_weigh_alike_and_the_closest_most() -> None:
    flash = np.zeros((7, HEIGHT, WIDTH, 3), np.float32)
    shares = []
    for t in range(7):
        flash[:], flash[t] = 0, 1
        shares.append(filter_pictures(flash, [moving()] * 6)[:, 32, 40, 0])
    weights = np.stack(shares, axis=1)  # of all frames, in each
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-4)
    np.testing.assert_allclose(weights[0, 1:] / weights[0, :-1], PICTURE_DECAY, atol=1e-3)
    noise_left = np.linalg.norm(weights, axis=1)
    assert noise_left.max() < 1.5 * noise_left.min()  # at the ends of the stretch, and in its middle


@pytest.mark.parametrize("step", [-3, 3])
def test_a_moving_texture_is_followed_rather_than_smeared(step: int) -> None:
    given = rolled(texture(HEIGHT, WIDTH, scale=3), 8, step)
    assert np.abs(filter_pictures(given, [moving(step)] * 7) - given)[INSIDE].max() < 0.1
    assert np.abs(filter_pictures(given, [moving()] * 7) - given)[INSIDE].mean() > 10


def test_pictures_follow_the_flow_of_their_scene() -> None:
    scene = pan(8, (0, 2), HEIGHT, WIDTH)
    frames = frames_of(scene, np.zeros(scene.shape[:3]))
    motions = [estimate(now, previous) for previous, now in pairwise(frames)]
    given = scene + noise(8, sigma=20)
    result = filter_pictures(given, motions)
    assert np.square(result - scene)[INSIDE].mean() < 0.7 * np.square(given - scene)[INSIDE].mean()


def test_pictures_whose_motion_is_not_consistent_are_not_averaged() -> None:
    np.testing.assert_allclose(filter_pictures(noise(3), [moving(consistency=0)] * 2), noise(3), atol=1e-3)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"pictures must be float32 T H W 3, got float32 of shape \(64, 80, 3\)"):
        filter_pictures(noise(2)[0], [])
    with pytest.raises(ValueError, match="need a motion between every two frames, got 3 frames, 1 motions"):
        filter_pictures(noise(3), [moving()])
