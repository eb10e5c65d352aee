import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from restore.scoring.psnr import CAP, psnr

ORIGINAL = data.astronaut()[100:221, 150:313]  # odd sizes


def noisy(sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, ORIGINAL.shape)
    return np.clip(ORIGINAL + noise, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("sigma", [0.5, 5, 50])
def test_matches_scikit_image(sigma: float) -> None:
    assert psnr(noisy(sigma), ORIGINAL) == pytest.approx(peak_signal_noise_ratio(ORIGINAL, noisy(sigma)), abs=1e-6)


def test_matches_scikit_image_on_random_pictures() -> None:
    a, b = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), np.uint8)
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b), abs=1e-6)


def test_identical_pictures_reach_the_cap() -> None:
    assert psnr(ORIGINAL, ORIGINAL) == CAP == 100


def test_black_against_white_is_zero() -> None:
    assert psnr(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)) == 0


def test_falls_as_noise_grows() -> None:
    scores = [psnr(noisy(sigma), ORIGINAL) for sigma in (1, 2, 4, 8, 16, 32, 64)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == len(scores)


def test_is_symmetric() -> None:
    assert psnr(noisy(9), ORIGINAL) == psnr(ORIGINAL, noisy(9))


def test_sizes_must_agree() -> None:
    message = r"restored picture is \(4, 4, 3\), original \(4, 5, 3\); scores need the same size"
    with pytest.raises(ValueError, match=message):
        psnr(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
