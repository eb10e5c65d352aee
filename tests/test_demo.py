"""The demo: it needs no input, and shows what it says."""

import re
from pathlib import Path

import cv2
import pytest

from restore.__main__ import main
from restore.demo import demo
from restore.errors import ConfigError, VideoError, WeightsError
from restore.shipped import WEIGHTS
from restore.video.reader import VideoReader

FRAMES = 2


def test_what_it_writes_and_says(tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # the second replaces the first
        demo(frames=FRAMES, output_dir=tmp_path, weights=tiny_weights)
        names = "clean.mkv degraded.mkv degraded_mask.mkv restored.json restored.mp4 side_by_side.mp4 strip.png"
        assert sorted(path.name for path in tmp_path.iterdir()) == names.split()
        with VideoReader(tmp_path / "side_by_side.mp4") as reader:
            assert [frame.image.shape for frame in reader] == [(204 + 24, 4 * 480, 3)] * FRAMES
        strip = cv2.imread(str(tmp_path / "strip.png"))
        assert strip is not None and strip.shape == (204 + 24, 4 * 480, 3)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("2 frames of 480x204, ")
        assert lines[1].startswith("PSNR  degraded ") and lines[2].startswith("SSIM  degraded ")
        assert [line.partition(": ")[0] for line in lines[3:]] == [
            f"{tmp_path}/{name}" for name in ("restored.mp4", "side_by_side.mp4", "strip.png")
        ]


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights are not there yet")
def test_the_command_with_the_weights_that_are_shipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--frames", "4", "--output_dir", str(tmp_path)]) == 0
    before, after = map(float, re.findall(r"[\d.]+", capsys.readouterr().out.splitlines()[1]))
    assert after > before + 2


def test_refused(tmp_path: Path, tiny_weights: Path) -> None:
    with pytest.raises(ConfigError, match="frames is 0, expected at least 1"):
        demo(frames=0, output_dir=tmp_path)
    with pytest.raises(WeightsError, match="no such weights file"):
        demo(output_dir=tmp_path, weights=tmp_path / "no.pth")
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="the output folder cannot be made"):
        demo(output_dir=tmp_path / "file" / "out", weights=tiny_weights)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
