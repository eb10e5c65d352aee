"""Masks given as videos: what they say, and what may not be meant."""

from pathlib import Path

import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.mask import MaskCheck, hidden_pixels
from restore.video.reader import VideoReader
from tests.video.make import make_video


def _boxes(index: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((height, width, 3), np.uint8)
    mask[8:24, 8 + index : 32 + index] = 255
    return mask


@pytest.mark.parametrize(("suffix", "codec", "pix_fmt"), [(".mkv", "ffv1", "gray"), (".mp4", "libx264", "yuv420p")])
def test_bright_is_hidden(tmp_path: Path, suffix: str, codec: str, pix_fmt: str) -> None:
    path = make_video(tmp_path / f"mask{suffix}", range(4), draw=_boxes, codec=codec, pix_fmt=pix_fmt)
    with VideoReader(path) as reader:
        masks = [hidden_pixels(frame.image) for frame in reader]
    assert len(masks) == 4
    for index, mask in enumerate(masks):
        assert mask.dtype == bool and mask.shape == (48, 64)
        np.testing.assert_array_equal(mask, _boxes(index, 64, 48)[..., 0] > 0)


def test_a_mask_that_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such video; check the path: "):
        VideoReader(tmp_path / "mask.mkv")


def checked(*frames: np.ndarray) -> list[str]:
    check = MaskCheck()
    for frame in frames:
        image = np.repeat(frame[..., None], 3, -1).astype(np.uint8)
        assert np.array_equal(check.hidden_pixels(image), frame >= 128)
    return check.warnings()


def half(dark: int, bright: int) -> np.ndarray:
    return np.array([[dark] * 10 + [bright] * 10] * 10)


RULE = "a pixel is hidden from level 128 of 255 on"


def test_what_may_not_be_meant_is_warned_of() -> None:
    black, white = half(0, 0), half(255, 255)
    assert checked(black, half(0, 255), white) == checked(black, white) == checked() == []
    assert checked(black, half(0, 1)) == [f"the mask hides nothing in any frame: its brightest level is 1, and {RULE}"]
    assert checked(white, half(254, 255)) == [
        f"the mask hides everything in all frames: its darkest level is 254, and {RULE}"
    ]
    assert checked(black, half(0, 191)) == [f"25.0% of the mask is neither black nor white, but grey; {RULE}"]
    assert checked(half(63, 192)) == []


def test_the_edges_that_a_codec_blurs_are_not_grey(tmp_path: Path) -> None:
    path = make_video(tmp_path / "mask.mp4", draw=_boxes, options={"crf": "30"})
    check = MaskCheck()
    with VideoReader(path) as reader:
        for frame in reader:
            check.hidden_pixels(frame.image)
    assert check.warnings() == []
