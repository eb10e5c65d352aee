import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from restore.errors import WeightsError
from restore.scoring.perceptual import load_perceptual, lpips_network
from restore.scoring.report import Scores
from restore.tensors import to_float

ORIGINAL = data.astronaut()[100:228, 150:278]


def test_degradations_raise_it_as_they_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no backbone on the disk, whatever this machine has downloaded
    load_perceptual.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare = load_perceptual()

    def score(picture: np.ndarray, original: np.ndarray) -> float:
        compared = compare(picture, original)
        assert compared is not None
        return float(compared[0].mean())

    noise = np.random.default_rng(0).normal(0, 1, ORIGINAL.shape)
    noisy = [score(np.clip(ORIGINAL + s * noise, 0, 255).astype(np.uint8), ORIGINAL) for s in (0, 10, 40)]
    assert noisy == pytest.approx([0, 0.068, 0.636], abs=0.003)
    # Of changes that PSNR takes for alike, the one that keeps the structure is the slighter.
    brighter = np.clip(ORIGINAL.astype(int) + 12, 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(ORIGINAL, (0, 0), 1.6)
    assert 3 * score(brighter, ORIGINAL) < score(blurred, ORIGINAL)


def test_tiny_pictures_have_none() -> None:
    assert load_perceptual()(ORIGINAL[:16, :16], ORIGINAL[:16, :16]) is None


def test_it_is_among_the_scores() -> None:
    scores = Scores(lpips=True)
    scores.add(ORIGINAL, ORIGINAL)
    scores.add(255 - ORIGINAL, ORIGINAL)
    summary = scores.summary()
    for name in ("lpips", "dists"):
        assert summary["per_frame"][name][0] == pytest.approx(0, abs=1e-4) and summary[name] > 0.1
        assert name not in Scores().summary()
    assert "lpips_hole" not in summary


def test_the_mean_around_all_pixels_is_lpips() -> None:
    blurred = cv2.GaussianBlur(ORIGINAL, (0, 0), 1.6)
    compared = load_perceptual()(blurred, ORIGINAL)
    assert compared is not None and compared[0].shape == ORIGINAL.shape[:2]
    wanted = lpips_network()(*(to_float(picture)[None] for picture in (blurred, ORIGINAL)))
    assert compared[0].mean() == pytest.approx(wanted.item(), rel=1e-4)


def test_regions_have_an_lpips_of_their_own() -> None:
    mask = np.zeros(ORIGINAL.shape[:2], bool)
    mask[40:90, 40:90] = True
    restored = np.where(mask[..., None], cv2.GaussianBlur(ORIGINAL, (0, 0), 4), ORIGINAL)
    scores = Scores(lpips=True)
    scores.add(restored, ORIGINAL, mask)
    summary = scores.summary()
    assert summary["lpips_hole"] > 3 * summary["lpips_seen"] > 0  # AlexNet sees across the rim
    share = mask.mean()
    pooled = share * summary["lpips_hole"] + (1 - share) * summary["lpips_seen"]
    assert pooled == pytest.approx(summary["lpips"], abs=2e-4)


def test_dists_forgives_texture_that_is_drawn_anew() -> None:
    """Two pictures of one noise, of which LPIPS says that they differ more than one that is smooth."""
    rng = np.random.default_rng(0)
    one, other = (rng.normal(128, 30, (128, 128, 1)).repeat(3, 2).clip(0, 255).astype(np.uint8) for _ in range(2))
    smooth = cv2.GaussianBlur(one, (0, 0), 1.2)
    (_, anew), (_, lost) = (load_perceptual()(picture, one) or (None, np.nan) for picture in (other, smooth))
    assert anew < 0.7 * lost
    same = load_perceptual()(one, one)
    assert same is not None and same[1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("content", [None, b"", b"no weights at all"])
def test_features_that_are_missing_or_broken(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alexnet.safetensors"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr("restore.scoring.perceptual.FEATURES", path)
    load_perceptual.cache_clear()
    with pytest.raises(WeightsError, match=f"^LPIPS has no features to compare; get this file again .*: {path}$"):
        load_perceptual()
