from dataclasses import dataclass

import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation import noise_filter
from restore.propagation.flow import Motion
from restore.propagation.noise_filter import filter_frame
from restore.propagation.temporal_filter import RADIUS, filter_hidden
from tests.propagation.footage import texture, uniform_motion

HEIGHT, WIDTH = 64, 80
INSIDE = np.s_[8:-8, 12:-12]  # what all frames of a moving scene show
HOLE = np.s_[24:40, 24:56]
SMOOTH = 12  # px a feature of the scene, so that neighbours are alike
NOISE = 4.0  # levels, of the degraded frames


@dataclass
class Restored:
    frame: Frame
    image: np.ndarray


def scene(t: int, step: int = 0) -> np.ndarray:
    return np.roll(texture(HEIGHT, WIDTH, scale=SMOOTH) // 4 + np.uint8(96), step * t, 1)


def clip(step: int = 0, *, left: float = 2, hidden: bool = False, motion: Motion | None = None) -> list[Restored]:
    """A scene that goes `step` pixels a frame, with the noise that a generator has left."""
    rng, result = np.random.default_rng(0), []
    for t in range(2 * RADIUS + 1):
        image = (scene(t, step) + rng.normal(0, left, (HEIGHT, WIDTH, 3))).clip(0, 255).round().astype(np.uint8)
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        mask[HOLE] = hidden
        moved = (motion or uniform_motion(HEIGHT, WIDTH, step, 0, 1)) if t else None
        result.append(Restored(Frame(image, mask=mask, motion=moved, scene=0), image))
    return result


def error(image: np.ndarray, clean: np.ndarray) -> float:
    return float(np.square(image[INSIDE].astype(float) - clean[INSIDE]).mean())


def filtered(images: list[Restored], index: int = RADIUS, *, noise: float = NOISE, share: float = 1) -> np.ndarray:
    return filter_frame(images, index, noise=noise, share=share)


@pytest.mark.parametrize("step", [0, 3, -2])
def test_noise_that_was_left_is_averaged_away_along_the_motion(step: int) -> None:
    images = clip(step)
    image, clean = filtered(images), scene(RADIUS, step)
    assert image.dtype == np.uint8 and error(image, clean) < 0.2 * error(images[RADIUS].image, clean)


def test_frames_around_and_pixels_around_take_away_noise_each(monkeypatch: pytest.MonkeyPatch) -> None:
    images, clean = clip(), scene(RADIUS)
    both, own = error(filtered(images), clean), error(images[RADIUS].image, clean)
    alone = error(filtered(images[RADIUS : RADIUS + 1], 0), clean)
    monkeypatch.setattr(noise_filter, "ALIKE", 1e-3)
    in_time = error(filtered(images), clean)
    assert both < 0.7 * in_time < 0.5 * own and both < 0.7 * alone < 0.7 * own


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_no_more_than_its_share_is_done(share: float) -> None:
    images = clip(hidden=True)
    before, after = filter_hidden(images, RADIUS), filtered(images)
    expected = before + share * (after.astype(float) - before)
    assert np.abs(filtered(images, share=share) - expected).max() <= 0.5
    assert (filtered(images, share=share) == before).all() == (share == 0)


def test_what_is_hidden_is_filtered_as_hidden_first() -> None:
    """Its noise of 2 levels counts half, and the scene of the frames around, which is visible there, in full."""
    images = clip(hidden=True)
    seen = clip(left=0)
    mixed = [*seen[:RADIUS], images[RADIUS], *seen[RADIUS + 1 :]]
    clean = scene(RADIUS)[HOLE].astype(float)
    assert np.abs(filtered(mixed)[HOLE] - clean).mean() < 0.6 * np.abs(filtered(images)[HOLE] - clean).mean()


def test_what_only_one_frame_shows_stays() -> None:
    images = clip(left=0)
    images[RADIUS].image[HOLE] = np.where(scene(RADIUS)[HOLE] < 128, 230, 20)  # a flash, a thing that passes
    own = images[RADIUS].image.copy()
    for index in (RADIUS - 1, RADIUS, RADIUS + 1):
        image = filtered(images, index)
        expected = own if index == RADIUS else scene(index)
        assert np.abs(image[HOLE][2:-2, 2:-2] - expected[HOLE][2:-2, 2:-2].astype(float)).max() <= 3


def test_edges_and_texture_that_are_stronger_than_the_noise_stay() -> None:
    images = clip(left=0)
    checks = np.kron(np.indices((HEIGHT // 2, WIDTH // 2)).sum(0) % 2, np.ones((2, 2)))[..., None] * 40 + 100
    for one in images:
        one.image[:] = checks
    assert np.abs(filtered(images) - checks).max() <= 1


def test_the_stronger_the_noise_the_more_is_averaged() -> None:
    images, clean = clip(left=6), scene(RADIUS)
    weak, strong = (error(filtered(images, noise=noise), clean) for noise in (2.5, 12.0))
    assert strong < 0.5 * weak


def test_frames_of_another_scene_do_not_count() -> None:
    images = clip()
    images[RADIUS].frame.motion = None  # a cut before, and
    images[RADIUS + 1].frame.motion = None  # one behind it
    alone = filtered(images[RADIUS : RADIUS + 1], 0)
    assert np.array_equal(filtered(images), alone) and not np.array_equal(filtered(clip()), alone)


def test_a_motion_that_is_doubted_does_not_count() -> None:
    doubted = uniform_motion(HEIGHT, WIDTH, 0, 0, 0)
    assert np.array_equal(filtered(clip(motion=doubted)), filtered(clip()[RADIUS : RADIUS + 1], 0))


def test_pictures_are_computed_in_parts_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    images = clip(2, hidden=True)
    whole = filtered(images)
    monkeypatch.setattr(noise_filter, "ROWS", 20)
    assert np.array_equal(filtered(images), whole)
