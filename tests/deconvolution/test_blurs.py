import numpy as np
import pytest
import torch
from skimage import data

from restore.deconvolution.blurs import (
    FREQUENCIES,
    RADII,
    SIGMAS,
    attenuations,
    disc,
    gaussian,
    transfer_functions,
)
from restore.degradations.blur import defocus, out_of_focus
from restore.models.softness import log_spectrum


def along(kernel: np.ndarray, frequency: float) -> float:
    """What a kernel, odd sides, leaves of a wave across it."""
    at = np.arange(len(kernel)) - len(kernel) // 2
    return float(kernel.sum(0) @ np.cos(2 * np.pi * frequency * at))


def impulse(blur: object) -> np.ndarray:
    point = torch.zeros(1, 3, 65, 65)
    point[..., 32, 32] = 1
    return blur(point)[0, 0].numpy()  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize("frequency", [0.02, 0.05, 0.1, 0.15])
def test_transfer_functions_are_those_of_the_blurs(frequency: float) -> None:
    kernel = impulse(lambda x: defocus(x[None], torch.tensor([1.4]))[0])
    assert along(kernel, frequency) == pytest.approx(float(gaussian(1.4, np.array(frequency))), abs=0.02)
    kernel = impulse(lambda x: out_of_focus(x, 4.0))
    assert along(kernel, frequency) == pytest.approx(float(disc(4.0, np.array(frequency))), abs=0.03)


def test_each_blur_has_its_functions_and_the_first_is_none() -> None:
    functions, taken = transfer_functions(), attenuations()
    assert functions.shape == (len(SIGMAS) + len(RADII), len(FREQUENCIES)) and len(taken) == len(functions)
    assert (functions[0] == 1).all() and np.abs(taken[0]).max() < 1e-9
    assert (functions[:, 0] == pytest.approx(1)) and (taken < 1e-9).all()
    assert (np.diff(taken[: len(SIGMAS)], axis=0) <= 0).all()  # more blur leaves less


def test_a_blur_takes_from_a_picture_what_is_said() -> None:
    sharp = torch.from_numpy(data.coffee()[:384, :576].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    nothing = torch.zeros_like(sharp[:, :1], dtype=torch.bool)
    blurred = defocus(sharp[None], torch.tensor([1.0]))[0]
    taken = (log_spectrum(blurred, nothing) - log_spectrum(sharp, nothing))[0].numpy()
    said = attenuations()[int(np.argmin(np.abs(SIGMAS - 1.0)))]
    assert taken[:9] == pytest.approx(said[:9], abs=0.25)
