import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from restore.errors import WeightsError
from restore.scoring.lpips_score import load_lpips
from restore.scoring.report import Scores

ORIGINAL = data.astronaut()[100:228, 150:278]


def test_degradations_raise_it_as_they_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no backbone on the disk, whatever this machine has downloaded
    load_lpips.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = load_lpips()
    noise = np.random.default_rng(0).normal(0, 1, ORIGINAL.shape)
    noisy = [score(np.clip(ORIGINAL + s * noise, 0, 255).astype(np.uint8), ORIGINAL) for s in (0, 10, 40)]
    assert noisy == pytest.approx([0, 0.068, 0.636], abs=0.003)
    # Of changes that PSNR takes for alike, the one that keeps the structure is the slighter.
    brighter = np.clip(ORIGINAL.astype(int) + 12, 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(ORIGINAL, (0, 0), 1.6)
    assert 3 * score(brighter, ORIGINAL) < score(blurred, ORIGINAL)


def test_tiny_pictures_have_none() -> None:
    assert load_lpips()(ORIGINAL[:16, :16], ORIGINAL[:16, :16]) is None


def test_it_is_among_the_scores() -> None:
    scores = Scores(lpips=True)
    scores.add(ORIGINAL, ORIGINAL)
    scores.add(255 - ORIGINAL, ORIGINAL)
    summary = scores.summary()
    assert summary["per_frame"]["lpips"][0] == 0 and summary["lpips"] > 0.1
    assert "lpips" not in Scores().summary()


@pytest.mark.parametrize("content", [None, b"", b"no weights at all"])
def test_features_that_are_missing_or_broken(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alexnet.safetensors"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr("restore.scoring.lpips_score.FEATURES", path)
    load_lpips.cache_clear()
    with pytest.raises(WeightsError, match=f"^LPIPS has no features to compare; get this file again .*: {path}$"):
        load_lpips()
