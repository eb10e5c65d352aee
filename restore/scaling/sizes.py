"""How large an enlarged video is."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from restore.errors import VideoError
from restore.video.cropping import WHOLE
from restore.video.info import VideoInfo

Scale = Literal["2", "4", "720p", "1080p"]
LINES = {"720p": 720, "1080p": 1080}
MOST_SIDE = 8192  # px; what H.264 and most players stop at


def enlarged_info(info: VideoInfo, scale: Scale, *, square_pixels: bool = False) -> VideoInfo:
    """What a video is once it is enlarged.

    Args:
        scale: `2` or `4` times the sides; `720p` or `1080p`: that many rows, and as many columns as its shape asks for.
        square_pixels: anamorphic pictures are enlarged further along one side until their pixels are square; else
            pixels keep their shape.

    Raises:
        VideoError: it is as large already, or becomes larger than 8192 pixels a side.

    >>> unknown = None, "", "", 0, "", False, False, 0, 2, 2, 2
    >>> info = VideoInfo(720, 576, Fraction(25), Fraction(1, 25), *unknown, Fraction(16, 15), None)
    >>> [(one.width, one.height, str(one.sample_aspect_ratio)) for one in (
    ...     enlarged_info(info, "2"), enlarged_info(info, "2", square_pixels=True), enlarged_info(info, "720p"))]
    [(1440, 1152, '16/15'), (1536, 1152, '1'), (900, 720, '16/15')]
    """
    factor = Fraction(LINES[scale], info.height) if scale in LINES else Fraction(scale)
    if factor <= 1:
        raise VideoError(
            f"the video has {info.height} rows, and scale is {scale}, which enlarges smaller ones; leave --scale out, "
            "or give a larger one"
        )
    width, height, shape = info.width * factor, info.height * factor, info.sample_aspect_ratio
    if square_pixels:
        # What is sampled finer keeps its pixels; the other side gets more. A number of rows that is asked for remains.
        if shape > 1 or scale in LINES:
            width *= shape
        else:
            height /= shape
        shape = Fraction(1)
    columns, rows = _even(width), _even(height)
    if max(columns, rows) > MOST_SIDE:
        raise VideoError(
            f"scale is {scale}, which makes {columns}x{rows} of {info.width}x{info.height}; expected at most "
            f"{MOST_SIDE} pixels a side; give a smaller one"
        )
    return replace(info, width=columns, height=rows, sample_aspect_ratio=shape, cropping=WHOLE)


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))
