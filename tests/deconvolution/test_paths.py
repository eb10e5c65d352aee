import numpy as np
import pytest
import torch
from skimage import data

from restore.deconvolution.paths import ANGLES, LENGTHS, likely_paths, path, scene_power
from restore.degradations.blur import defocus, motion_blur
from restore.models.softness import at_frequencies, powers
from restore.tensors import to_float, to_uint8

SHARP = to_float(np.ascontiguousarray(data.astronaut()[:320, :480])[None])  # 1 3 H W


def spectrum(picture: torch.Tensor) -> np.ndarray:
    levels = to_float(to_uint8(picture))
    return at_frequencies(*powers(levels, torch.zeros_like(levels[:, :1], dtype=torch.bool)))[0].numpy()


def moved(length: float, angle: float) -> torch.Tensor:
    return motion_blur(SHARP, torch.tensor([length]), torch.tensor([angle]))


@pytest.mark.parametrize(("length", "degrees"), [(5, 30), (9, 0), (9, 75), (9, 135), (12, 45)])
def test_length_and_direction_are_told_by_the_spectrum(length: float, degrees: float) -> None:
    found = likely_paths(spectrum(moved(length, np.deg2rad(degrees))))
    assert found is not None and found.probabilities.sum() == pytest.approx(1)
    best = found.probabilities.argmax()
    apart = abs(np.rad2deg(found.angles[best]) - degrees) % 180
    assert min(apart, 180 - apart) <= 7.5 and found.lengths[best] == pytest.approx(length, abs=1)


def test_nothing_and_blurs_that_are_alike_in_all_directions_are_no_paths() -> None:
    blurred = [defocus(SHARP[None], torch.tensor([sigma]))[0] for sigma in (0.8, 1.4, 2.5)]
    for picture in (SHARP, *blurred):
        assert likely_paths(spectrum(picture)) is None


def test_the_transfer_function_is_that_of_the_blur() -> None:
    point = torch.zeros(1, 3, 65, 65)
    point[..., 32, 32] = 1
    kernel = motion_blur(point, torch.tensor([9.0]), torch.tensor([0.6]))[0, 0].numpy()
    y, x = np.mgrid[-32:33, -32:33]
    for across, down in ((0.05, 0.0), (0.0, 0.08), (0.03, 0.06), (-0.04, 0.05)):
        seen = (kernel * np.cos(2 * np.pi * (across * x + down * y))).sum()
        assert path(9.0, 0.6, np.array(across), np.array(down)) == pytest.approx(seen, abs=0.05)


def test_what_is_considered_and_what_scenes_have() -> None:
    assert LENGTHS.min() >= 2 and (ANGLES >= 0).all() and (np.pi > ANGLES).all()
    frequency = np.linspace(0.05, 0.45, 9)
    higher = scene_power(np.array([1.0, 0, 0]), frequency) - scene_power(np.zeros(3), frequency)
    assert higher == pytest.approx(1) and (np.diff(scene_power(np.zeros(3), frequency)) < 0).all()
