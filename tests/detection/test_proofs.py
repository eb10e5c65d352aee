"""What the measurements say of a look, apart from the stream that they are made in."""

import numpy as np
import pytest

from restore.detection.components import Component, components
from restore.detection.flat import flat, straightness
from restore.detection.look import Look
from restore.detection.proofs import NOISE_ENERGY, Surroundings
from restore.frame import Frame

H, W = 120, 160


def surroundings(clip: np.ndarray, mask: np.ndarray, at: int = 0) -> tuple[Surroundings, Component]:
    """The same mask before all frames of a clip, uint8 `T H W 3`, and its one component."""
    frames = [Frame(image, probability=mask.astype(np.float32), scene=0) for image in clip]
    (component,) = components(mask, 3, 1)
    return Surroundings([Look(frame, mask) for frame in frames], at), component


def noise(sigma: float, count: int = 20) -> np.ndarray:
    """Grey with grey noise, so that luma has as much of it."""
    values = 128 + sigma * np.random.default_rng(0).standard_normal((count, H, W, 1))
    return values.round().clip(0, 255).astype(np.uint8).repeat(3, 3)


@pytest.mark.parametrize("sigma", [5.0, 15.0])
def test_noise_is_measured_and_has_no_edges(sigma: float) -> None:
    mask = np.zeros((H, W), bool)
    mask[50:70, 60:90] = True
    around, _ = surroundings(noise(sigma), mask)
    assert around.look.noise == pytest.approx(sigma, rel=0.05)
    assert abs(around._energy.mean()) < 0.1 * NOISE_ENERGY * sigma**2
    assert abs(around._still_energy.mean()) < 0.2 * NOISE_ENERGY * sigma**2 / 20


def test_edges_that_are_weaker_than_the_noise_prove_nothing() -> None:
    mask = np.zeros((H, W), bool)
    mask[50:70, 60:90] = True
    rng = np.random.default_rng(1)
    scene = rng.integers(0, 2, (30, 60)).repeat(4, 0).repeat(4, 1) * 40 + 108
    clip = np.stack([scene[:, 4 * t : 4 * t + W] for t in range(20)])
    clip = np.where(mask, 60 + 120 * (np.arange(W) // 8 % 2), clip)
    fixed = []
    for sigma in (2.0, 60.0):
        noisy = clip + sigma * rng.standard_normal(clip.shape)
        around, component = surroundings(noisy.round().clip(0, 255).astype(np.uint8)[..., None].repeat(3, 3), mask, 10)
        around.look.__dict__["noise"] = sigma  # texture is taken for some of it
        fixed.append(around.fixed(component))
    assert fixed == [True, False]


@pytest.mark.parametrize(
    ("white", "level", "proves"), [(120, 116, False), (120, 90, True), (120, 132, True), (190, 180, True)]
)
def test_a_thing_as_white_as_a_dark_scene_gets_is_no_box(white: int, level: int, proves: bool) -> None:
    mask = np.zeros((H, W), bool)
    mask[50:80, 60:100] = True
    scene = np.random.default_rng(2).integers(10, white // 2, (H, W)).astype(np.uint8)
    scene[:10] = white
    scene[mask] = level
    around, component = surroundings(scene[None, ..., None].repeat(3, 3), mask)
    around.look.__dict__["noise"] = 1.0  # texture is taken for some of it
    assert around.look.white == white and flat(around.look, component) == proves


@pytest.mark.filterwarnings("error")
def test_what_takes_all_of_the_frame_has_nothing_around_it() -> None:
    around, component = surroundings(noise(5, 3), np.ones((H, W), bool), 1)
    assert not around.fixed(component) and not around.sudden(component) and not flat(around.look, component)


def test_the_edges_of_the_picture_are_no_straight_edges() -> None:
    rows, columns = np.mgrid[:H, :W]
    around, component = surroundings(noise(0, 1), rows + columns < 60)
    assert straightness(around.look, component) < 0.2
