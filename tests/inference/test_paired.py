"""What goes with a video, its mask or its original: refused where it does not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore.errors import InputError, MaskError, VideoError
from restore.inference.files import restore_file
from restore.pipeline import Restorer
from tests.inference.test_files import FRAMES, left_in, write
from tests.video.make import cut_in_half, make_video, noise


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", ["mask", "original"])
@pytest.mark.parametrize(
    ("suffix", "frames", "size", "message"),
    [
        (".mp4", FRAMES, (32, 48), "{kind} is 32x48, video is 64x48; give one of the video's size: {path}"),
        (".mp4", 8, (64, 48), "{kind} has 8 frames, video has 10; give one {kind} frame per video frame: {path}"),
        (".mp4", 11, (64, 48), "{kind} has 11 frames, video has 10; give one {kind} frame per video frame: {path}"),
        (".mkv", 8, (64, 48), "{kind} has 8 frames, video has 10; give one {kind} frame per video frame: {path}"),
        (".mkv", 11, (64, 48), "{kind} has 11 frames, video has 10; give one {kind} frame per video frame: {path}"),
    ],
)
def test_files_that_go_with_a_video_must_fit(
    tmp_path: Path,
    out: Path,
    restorer: Restorer,
    kind: str,
    suffix: str,
    frames: int,
    size: tuple[int, int],
    message: str,
) -> None:
    video = make_video(tmp_path / "clip.mp4")
    path = write(tmp_path / f"paired{suffix}", np.zeros((frames, size[1], size[0], 3), np.uint8))
    paired: dict[str, Any] = {kind: path}
    done: list[int] = []
    with pytest.raises(MaskError if kind == "mask" else VideoError) as caught:
        restore_file(restorer, video, out / "clip.mp4", progress=done.append, **paired)
    assert str(caught.value) == message.format(kind=kind, path=path)
    assert left_in(out) == []
    # Matroska states no count; where it is stated, nothing is begun.
    assert suffix == ".mkv" or not done


def test_a_mask_is_not_the_video(tmp_path: Path, out: Path, restorer: Restorer) -> None:
    video = make_video(tmp_path / "clip.mp4")
    with pytest.raises(MaskError, match="the mask is the video itself; give another file: "):
        restore_file(restorer, video, out / "clip.mp4", mask=video)
    assert left_in(out) == []


@pytest.mark.parametrize("kind", ["mask", "original"])
def test_a_broken_companion(tmp_path: Path, out: Path, restorer: Restorer, kind: str) -> None:
    video = make_video(tmp_path / "clip.mkv", range(30))
    paired: dict[str, Any] = {kind: cut_in_half(make_video(tmp_path / "paired.avi", range(30), draw=noise))}
    with pytest.raises(InputError, match=f"the {kind} breaks before the video .* copy it again: .*half_of_paired.avi"):
        restore_file(restorer, video, out / "clip.mkv", **paired)
    assert left_in(out) == []
