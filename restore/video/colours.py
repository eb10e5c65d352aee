"""Between a codec's pixels (YUV of some matrix and range, or RGB) and uint8 RGB, and which way up the picture goes.

FFmpeg's fast path between YUV and RGB repeats chroma and rounds down: a smooth picture that goes to yuv420p and back
comes out at 42.7 dB, 1.4 levels too dark. By the exact path, which `EXACT` asks for, it comes out at 52.7 dB.
"""

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.reformatter import Interpolation, VideoReformatter

from restore.video.alpha import alpha_of
from restore.video.cropping import WHOLE, Cropping
from restore.video.side_data import side_data_of, turned

# Interpolate chroma, round to nearest.
EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)

# Codes of ISO/IEC 23091-2 (H.273), as FFmpeg and every container store them.
RGB, BT709, UNSPECIFIED, BT601 = 0, 1, 2, 6
LIMITED, FULL = 1, 2

# The matrices that FFmpeg converts, by their H.273 code => the code that PyAV's reformatter takes.
MATRICES = {BT709: 1, UNSPECIFIED: 5, 4: 4, 5: 5, BT601: 5, 7: 7, 9: 9}


HD = 1280, 577  # width or height from which players take BT.709 where no matrix is stated


def assumed_matrix(colorspace: int, width: int, height: int) -> int:
    """The H.273 code of the matrix of a picture: where none is stated, the one that players take by its size.

    >>> assumed_matrix(UNSPECIFIED, 1280, 720), assumed_matrix(UNSPECIFIED, 720, 576), assumed_matrix(9, 1280, 720)
    (1, 6, 9)
    """
    if colorspace != UNSPECIFIED:
        return colorspace
    return BT709 if width >= HD[0] or height >= HD[1] else BT601


class ToRGB:
    """Decoded frames => upright uint8 RGB `H W 3`, by each frame's own matrix and range, without what is cropped."""

    def __init__(self, cropping: Cropping | None = None) -> None:
        self._reformatter = VideoReformatter()
        self._cropping = cropping or WHOLE

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        return self._converted(frame, "rgb24")

    def deep(self, frame: av.VideoFrame) -> np.ndarray:
        """As the call, uint16 RGB `H W 3`, for frames of more than 8 bits."""
        # From gbrap16le to gbrp16le FFmpeg 8.1 leaves half of the last line out.
        return self._converted(frame, "rgb48le" if frame.format.is_rgb else "gbrp16le")

    def alpha(self, frame: av.VideoFrame) -> np.ndarray:
        """How opaque each pixel is, uint16 `H W`, for frames that have transparency; upright and cropped likewise."""
        return np.ascontiguousarray(turn_upright(self._cropping.cropped(alpha_of(frame)), display_matrix(frame)))

    def _converted(self, frame: av.VideoFrame, pixels: str) -> np.ndarray:
        stated = frame.colorspace
        frame.colorspace = assumed_matrix(stated, frame.width, frame.height)
        rgb = self._reformatter.reformat(frame, format=pixels, interpolation=EXACT, threads=1)
        frame.colorspace = stated
        return np.ascontiguousarray(turn_upright(self._cropping.cropped(rgb.to_ndarray()), display_matrix(frame)))


class FromRGB:
    """uint8 or uint16 RGB `H W 3` => frames of `pix_fmt` with the given matrix (H.273 code) and range."""

    def __init__(self, pix_fmt: str, *, colorspace: int, color_range: int) -> None:
        self._colorspace = colorspace
        self._range = color_range
        # FFmpeg truncates chroma where it widens it to the full range, by half a level. With one bit more on the way
        # that is a quarter: 51.2 dB instead of 48.7.
        widened = color_range == FULL and colorspace != RGB and VideoFormat(pix_fmt).components[0].bits == 8
        formats = ["yuv444p9le", pix_fmt] if widened else [pix_fmt]
        self._steps = [(pix_fmt, VideoReformatter()) for pix_fmt in formats]

    def __call__(self, image: np.ndarray, frame: av.VideoFrame | None = None) -> av.VideoFrame:
        """Convert an image, or a `frame` that holds it; one flagged as interlaced is converted field by field."""
        pixels = "rgb48le" if image.dtype == np.uint16 else "rgb24"
        frame = frame or av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=pixels)
        matrix = MATRICES.get(assumed_matrix(self._colorspace, frame.width, frame.height))
        for pix_fmt, reformatter in self._steps:
            frame = reformatter.reformat(
                frame,
                format=pix_fmt,
                dst_colorspace=matrix,
                dst_color_range=self._range or (LIMITED if image.dtype == np.uint16 else 0),  # 0: not stated
                interpolation=EXACT,
                threads=1,
            )
        return frame


def from_grey(image: np.ndarray) -> av.VideoFrame:
    """uint8 `H W` => a frame of the same levels."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """The 2x2 part `(a, b, c, d)` of the frame's display matrix; pixel x, y is displayed at a x + c y, b x + d y."""
    matrix = side_data_of(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return turned(frame)
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return a, b, c, d


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
