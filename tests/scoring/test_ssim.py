import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from restore.scoring.ssim import ssim, ssim_map

ORIGINAL = data.astronaut()[100:221, 150:313]  # odd sizes
NOISE = np.random.default_rng(0).normal(0, 1, ORIGINAL.shape)


def noisy(sigma: float) -> np.ndarray:
    return np.clip(ORIGINAL + sigma * NOISE, 0, 255).round().astype(np.uint8)


def reference(a: np.ndarray, b: np.ndarray) -> float:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return structural_similarity(a, b, channel_axis=2, **options)


@pytest.mark.parametrize(
    "restored",
    [
        noisy(2),
        noisy(40),
        cv2.GaussianBlur(ORIGINAL, (0, 0), 3),
        255 - ORIGINAL,
        np.zeros_like(ORIGINAL),
        np.full_like(ORIGINAL, 255),
    ],
    ids=["little noise", "much noise", "blur", "negative", "black", "white"],
)
def test_matches_scikit_image(restored: np.ndarray) -> None:
    assert ssim(restored, ORIGINAL) == pytest.approx(reference(restored, ORIGINAL), abs=1e-5)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (11, 64), (33, 17)])
def test_matches_scikit_image_on_random_pictures(height: int, width: int) -> None:
    a, b = np.random.default_rng(1).integers(0, 256, (2, height, width, 3), np.uint8)
    assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-5)


def test_flat_bright_pictures_lose_no_precision() -> None:
    # Variances are differences of large numbers; float32 must not turn 0 - 0 into something.
    a, b = np.full((32, 32, 3), 250, np.uint8), np.full((32, 32, 3), 251, np.uint8)
    assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-3)


def test_identical_pictures_score_one() -> None:
    assert ssim(ORIGINAL, ORIGINAL) == pytest.approx(1, abs=1e-6)


def test_falls_as_noise_grows() -> None:
    scores = [ssim(noisy(sigma), ORIGINAL) for sigma in (1, 2, 4, 8, 16, 32, 64)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == len(scores)


def test_map_points_at_the_damage() -> None:
    damaged = ORIGINAL.copy()
    damaged[60, 80] = 255 - damaged[60, 80]
    similarity = ssim_map(damaged, ORIGINAL)
    assert similarity.shape == (ORIGINAL.shape[0] - 10, ORIGINAL.shape[1] - 10)
    touched = np.argwhere(similarity < 1 - 1e-4) + 5  # a window reaches 5 pixels to each side
    assert np.abs(touched - [60, 80]).max() <= 5


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"restored picture is \(16, 16, 3\), original \(16, 17, 3\)"):
        ssim(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 17, 3), np.uint8))


def test_too_small_for_a_window() -> None:
    small = np.zeros((10, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="picture is 64x10; SSIM needs 11x11 pixels at least"):
        ssim(small, small)
