"""`python -m restore score`: a video against its original."""

from pathlib import Path

import numpy as np
import pytest

from restore.__main__ import main
from restore.inference.score import score
from tests.inference.command import quarter
from tests.video.make import cut_in_half, make_video, noise, picture


def changed(index: int, width: int, height: int) -> np.ndarray:
    """The upper left quarter of `picture` is 10 levels off, the rest 1."""
    wrong = quarter(index, width, height) > 0
    image = picture(index, width, height).clip(0, 200)
    return np.where(wrong, image + 10, image + 1).astype(np.uint8)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    original = make_video(
        tmp_path / "original.mkv", range(3), codec="ffv1", draw=lambda *frame: picture(*frame).clip(0, 200)
    )
    return make_video(tmp_path / "restored.mkv", range(3), codec="ffv1", draw=changed), original


def test_hidden_and_visible_pixels_are_scored_by_the_mask(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    mask = make_video(tmp_path / "mask.mkv", range(3), codec="ffv1", draw=quarter)
    scores = score(*pair, mask=mask)
    assert scores["frames"] == 3
    assert scores["psnr_hole"] == pytest.approx(28.13, abs=0.3)  # 10 levels
    assert scores["psnr_seen"] == pytest.approx(48.13, abs=2)  # 1 level, rounded in the file
    assert scores["psnr_hole"] < scores["psnr"] < scores["psnr_seen"]
    assert "psnr_hole" not in score(*pair)


def test_the_command(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *map(str, pair)]) == 0
    names, values = capsys.readouterr().out.splitlines()
    assert names.split() == ["video", "frames", "psnr", "ssim"] and values.split()[:2] == ["restored", "3"]
    assert float(values.split()[2]) == pytest.approx(score(*pair)["psnr"], abs=1e-3)


def test_refused(tmp_path: Path, pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    restored = pair[0]
    longer = make_video(tmp_path / "longer.mkv", range(4), codec="ffv1")
    assert main(["score", str(restored), str(longer)]) == 2
    told = "original has 4 frames, video has 3; give one original frame per video frame"
    assert capsys.readouterr().err == f"restore: {told}: {longer}\n"
    whole = make_video(tmp_path / "whole.avi", range(30), draw=noise)
    broken = cut_in_half(whole)
    assert main(["score", str(broken), str(whole)]) == 1
    assert capsys.readouterr().err.endswith(f"; it is not scored, copy it again: {broken}\n")
