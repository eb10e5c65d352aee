import numpy as np
import pytest
from numpy.testing import assert_allclose

from restore.deconvolution.blurs import RADII, SIGMAS, attenuations
from restore.deconvolution.likely import MEAN, covariance, likely

ROUNDING = np.log(1 / 36 + 0.02)  # power of 8 bits' rounding, of the mean of three channels


def seen(natural: np.ndarray, blur: int) -> np.ndarray:
    """Rings of a picture of that spectrum through a blur, in 8 bits."""
    return np.logaddexp(natural + attenuations()[blur], ROUNDING)


def gaussian(sigma: float) -> int:
    return int(np.argmin(np.abs(SIGMAS - sigma)))


def disc(radius: float) -> int:
    return len(SIGMAS) + int(np.argmin(np.abs(RADII - radius)))


def test_probabilities_sum_to_one() -> None:
    assert likely(MEAN).sum() == pytest.approx(1) and likely(MEAN).min() >= 0


@pytest.mark.parametrize("sigma", [0.0, 0.8, 1.2, 2.0, 3.0])
def test_a_gaussian_is_told_by_its_size(sigma: float) -> None:
    found = likely(seen(MEAN, gaussian(sigma)))
    assert (found[: len(SIGMAS)] @ SIGMAS) / found[: len(SIGMAS)].sum() == pytest.approx(sigma, abs=0.25)


@pytest.mark.parametrize("radius", [3.0, 4.0, 5.0])
def test_a_large_disc_is_told_from_gaussians_by_its_zeros(radius: float) -> None:
    found = likely(seen(MEAN, disc(radius)))[len(SIGMAS) :]
    assert found.sum() > 0.8 and found @ RADII / found.sum() == pytest.approx(radius, abs=0.25)


def test_it_holds_for_the_scenes_that_there_are() -> None:
    scenes = np.random.default_rng(0).multivariate_normal(MEAN, covariance(), 200)
    for sigma in (1.0, 1.6):
        found = np.stack([likely(seen(scene, gaussian(sigma)))[: len(SIGMAS)] for scene in scenes])
        mean = (found @ SIGMAS) / found.sum(1)
        assert np.median(np.abs(mean - sigma)) < 0.2
    assert_allclose(covariance(), covariance().T)
    assert np.linalg.eigvalsh(covariance()).min() > 0


def test_a_spectrum_that_ends_in_rounding_at_once_is_a_strong_blur() -> None:
    found = likely(np.concatenate([MEAN[:3], np.full(13, ROUNDING)]))
    assert found[: gaussian(1.5)].sum() < 1e-3
