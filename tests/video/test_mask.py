"""Masks given as videos."""

from pathlib import Path

import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.mask import hidden_pixels
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
