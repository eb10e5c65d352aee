"""Between a codec's pixels (YUV of some matrix and range, or RGB) and uint8 RGB, and which way up the picture goes.

FFmpeg's fast path between YUV and RGB repeats chroma and rounds down: a smooth picture that goes to yuv420p and back
comes out at 42.7 dB, 1.4 levels too dark. By the exact path, which `EXACT` asks for, it comes out at 52.7 dB.
"""

from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

# Interpolate chroma, round to nearest.
EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)

# Codes of ISO/IEC 23091-2 (H.273), as FFmpeg and every container store them.
RGB, BT709, UNSPECIFIED, BT601 = 0, 1, 2, 6
LIMITED, FULL = 1, 2

# The matrices that FFmpeg converts, by their H.273 code => the code that PyAV's reformatter takes.
# Unspecified is BT.601 to FFmpeg, whatever the size of the picture.
MATRICES = {BT709: 1, UNSPECIFIED: 5, 4: 4, 5: 5, BT601: 5, 7: 7, 9: 9}


class ToRGB:
    """Decoded frames => upright uint8 RGB `H W 3`, by each frame's own matrix and range."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        rgb = self._reformatter.reformat(frame, format="rgb24", interpolation=EXACT, threads=1)
        return np.ascontiguousarray(turn_upright(rgb.to_ndarray(), display_matrix(frame)))


class FromRGB:
    """uint8 RGB `H W 3` => frames of `pix_fmt` with the given matrix (H.273 code) and range."""

    def __init__(self, pix_fmt: str, *, colorspace: int, color_range: int) -> None:
        self._matrix = MATRICES.get(colorspace)
        self._range = color_range
        # FFmpeg truncates chroma where it widens it to the full range, by half a level. With one bit more on the way
        # that is a quarter: 51.2 dB instead of 48.7.
        formats = ["yuv444p9le", pix_fmt] if color_range == FULL and colorspace != RGB else [pix_fmt]
        self._steps = [(pix_fmt, VideoReformatter()) for pix_fmt in formats]

    def __call__(self, image: np.ndarray) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        for pix_fmt, reformatter in self._steps:
            frame = reformatter.reformat(
                frame,
                format=pix_fmt,
                dst_colorspace=self._matrix,
                dst_color_range=self._range,
                interpolation=EXACT,
                threads=1,
            )
        return frame


def from_grey(image: np.ndarray) -> av.VideoFrame:
    """uint8 `H W` => a frame of the same levels."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """The 2x2 part `(a, b, c, d)` of the frame's display matrix; pixel x, y is displayed at a x + c y, b x + d y."""
    # PyAV's type stubs take this container for a mapping; it iterates over its values.
    side_data: Any
    for side_data in frame.side_data:
        if side_data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(side_data, np.int32)[:5].tolist()
            return a, b, c, d
    return 1, 0, 0, 1


def is_transposed(matrix: tuple[int, int, int, int]) -> bool:
    """Whether rows are displayed as columns (a quarter turn)."""
    a, b, _, _ = matrix
    return abs(b) > abs(a)


def turn_upright(image: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Apply a display matrix of quarter turns and mirrors to an image `H W ...`. A view, not a copy."""
    a, b, c, d = matrix
    if is_transposed(matrix):
        image, a, d = image.swapaxes(0, 1), c, b
    image = image[:, ::-1] if a < 0 else image
    return image[::-1] if d < 0 else image
