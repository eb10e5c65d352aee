"""Masks given as videos: what they say, and what may not be meant."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.mask import MaskCheck, hidden_pixels, open_mask
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
        check.look_at(image)
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
            check.look_at(frame.image)
    assert check.warnings() == []


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 0, 0), (0, 64, 0), (64, 0, 128), (255, 255, 0), (255, 255, 255)]


def painted(*colours: tuple[int, int, int]) -> np.ndarray:
    """Objects of 8x8 in a row, 8 pixels apart, uint8 RGB `24 W 3`."""
    image = np.zeros((24, 16 * len(colours), 3), np.uint8)
    for index, colour in enumerate(colours):
        image[8:16, 16 * index + 4 : 16 * index + 12] = colour
    return image


def masks_of(path: Path) -> tuple[list[np.ndarray], list[str], str]:
    """What is hidden in each frame, the warnings before the work, and the summary."""
    check = MaskCheck.of(path)
    with open_mask(path) as reader:
        frames = [next(iter(reader))] if getattr(reader, "endless", False) else list(reader)
    return [check.hidden_pixels(frame.image) for frame in frames], check.warnings(), check.summary()


def test_every_colour_but_black_is_hidden(tmp_path: Path) -> None:
    image = painted(*COLOURS)
    cv2.imwrite(str(tmp_path / "mask.png"), image[..., ::-1])
    (hidden,), lines, summary = masks_of(tmp_path / "mask.png")
    np.testing.assert_array_equal(hidden, image.any(-1))
    assert lines == ["the mask is coloured: every colour but black is hidden, 16.7% in all"]
    assert summary == "the mask hides 16.7% of all pixels, and something in 1 of 1 frames"


def test_coloured_objects_in_a_lossy_video(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "mask.mp4", range(3), size=(128, 24), draw=lambda *_: painted(*COLOURS), pix_fmt="yuv444p"
    )
    hidden, lines, _ = masks_of(path)
    assert len(hidden) == 3 and all((mask == painted(*COLOURS).any(-1)).mean() > 0.99 for mask in hidden)
    assert len(lines) == 1 and lines[0].startswith("the mask is coloured")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_numbers_of_objects(tmp_path: Path, dtype: type) -> None:
    labels = (painted((1, 0, 0), (2, 0, 0), (30, 0, 0))[..., 0]).astype(dtype)
    cv2.imwrite(str(tmp_path / "mask.png"), labels)
    (hidden,), lines, _ = masks_of(tmp_path / "mask.png")
    np.testing.assert_array_equal(hidden, labels > 0)
    assert lines == ["the mask holds numbers from 0 to 30: all but 0 are hidden, 16.7% in all"]


def test_numbers_of_objects_in_a_video(tmp_path: Path) -> None:
    draw = lambda index, width, height: np.full((height, width, 3), index, np.uint8)  # noqa: E731
    exact = make_video(tmp_path / "mask.mkv", range(3), codec="ffv1", pix_fmt="bgr0", draw=draw)
    hidden, lines, _ = masks_of(exact)
    assert [bool(mask.all()) for mask in hidden] == [False, True, True]
    assert lines == ["the mask holds numbers from 0 to 2: all but 0 are hidden, 66.7% in all"]
    hidden, lines, _ = masks_of(make_video(tmp_path / "mask.mp4", range(3), draw=draw))
    assert not any(mask.any() for mask in hidden), "a lossy black is not exactly black"
    assert lines[0].startswith("the mask hides nothing in any frame: its brightest level is ")


def test_a_mask_in_the_alpha_channel(tmp_path: Path) -> None:
    opaque = painted((255, 255, 255), (255, 255, 255))[..., 0]
    for colour in (0, 90, 255):
        cv2.imwrite(str(tmp_path / "mask.png"), np.dstack([np.full_like(opaque, colour)] * 3 + [opaque]))
        (hidden,), lines, _ = masks_of(tmp_path / "mask.png")
        np.testing.assert_array_equal(hidden, opaque > 0)
        assert lines == ["the mask is taken from the transparency of its images: what is opaque is hidden"]
    cv2.imwrite(str(tmp_path / "mask.png"), np.dstack([opaque] * 3 + [np.full_like(opaque, 255)]))
    (hidden,), lines, _ = masks_of(tmp_path / "mask.png")
    assert lines == [] and np.array_equal(hidden, opaque > 0), "an alpha channel that is opaque throughout says nothing"


def test_warnings_come_before_the_work(tmp_path: Path) -> None:
    for level, line in ((0, "hides nothing in any frame"), (255, "hides everything in all frames")):
        cv2.imwrite(str(tmp_path / "mask.png"), np.full((8, 8), level, np.uint8))
        assert line in masks_of(tmp_path / "mask.png")[1][0]
