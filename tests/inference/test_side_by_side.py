"""`--side_by_side`: the order of the pictures, and that the last one says what is real."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.overlay import COLOURS, overlay
from restore.inference.side_by_side import caption_height, captioned, side_by_side
from restore.propagation.provenance import COPIED, FILLED
from restore.restored import Restored
from restore.video.reader import VideoReader
from tests.inference.command import Command, quarter
from tests.propagation.footage import texture
from tests.video.make import MILLI, UNEVEN, make_video

H, W = 48, 64
TOP = caption_height(W)


def clip(path: Path) -> tuple[np.ndarray, list[object]]:
    """The frames and their times."""
    with VideoReader(path) as reader:
        images, times = zip(*((frame.image, frame.pts * frame.time_base) for frame in reader), strict=True)
    return np.stack(images), list(times)


def test_every_picture_stands_whole_in_its_place() -> None:
    degraded, image, original = (texture(H, W, seed) for seed in range(3))
    codes = np.zeros((H, W), np.uint8)
    codes[:20], codes[30:] = COPIED, FILLED
    restored = Restored(Frame(image=image, mask=np.zeros((H, W), np.float32)), image, codes, codes)
    expected = [degraded, image, overlay(image, codes)]
    for pictures, row in (
        (expected, side_by_side(degraded, restored)),
        ([original, *expected], side_by_side(degraded, restored, original)),
    ):
        assert np.array_equal(row[TOP:], np.concatenate(pictures, 1)) and row[:TOP].max() > 100


@pytest.mark.parametrize("width", [1, 64, 321, 1920])
def test_a_caption_fits_above_any_picture(width: int) -> None:
    """Its labels end before the picture does, and stay within the band."""
    labels = [(text, COLOURS[COPIED]) for text in ("copied", "filled", "regenerated")]
    picture = captioned(np.zeros((10, width, 3), np.uint8), labels)
    height = caption_height(width)
    assert height % 2 == 0 and picture.shape == (height + 10, width, 3)
    assert not picture[height:].any()
    if width > 40:
        assert (picture[:height, -width // 8 :] == picture[0, 0]).all()


@pytest.mark.parametrize("name", ["clip.avi", "clip.mkv"])
@pytest.mark.parametrize("with_original", [False, True])
def test_the_video_shows_what_was_written(
    run: Command, tmp_path: Path, out: Path, name: str, with_original: bool
) -> None:
    uneven: dict[str, Any] = {"pts": UNEVEN, "time_base": MILLI} if name == "clip.mkv" else {}
    video = make_video(tmp_path / name, **uneven)
    mask = make_video(tmp_path / "mask.mkv", draw=quarter, **uneven)
    original = {"original_video": make_video(tmp_path / "original.mkv", **uneven)} if with_original else {}
    assert run(degraded_video=video, mask_video=mask, side_by_side=True, lossless=True, **original) == 0
    rows, times = clip(out / "clip_side_by_side.mp4")
    restored, wanted = clip(out / "clip_restored.mkv")
    assert times == wanted and rows.shape == (len(wanted), TOP + H, (3 + with_original) * W, 3)
    *_, degraded_part, restored_part, coloured_part = np.split(rows[:, TOP:].astype(int), 3 + with_original, 2)
    for part, expected in ((degraded_part, clip(video)[0]), (restored_part, restored)):
        assert np.abs(part - expected).mean() < 4  # H.264
    changed = np.abs(coloured_part - restored_part).mean(-1) > 12
    assert changed[:, 2 : H // 2 - 2, 2 : W // 2 - 2].mean() > 0.9 and changed[:, H // 2 + 4 :].mean() < 0.02
