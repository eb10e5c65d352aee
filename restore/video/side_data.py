"""The side data of decoded frames by FFmpeg's names. PyAV 18.1 gives none of a frame's if it does not know all kinds,
and EXIF, which JPEGs of cameras have, is one that it does not know.
"""

import math
from typing import Any

from av import VideoFrame

UNIT = 1 << 16  # of the numbers in a display matrix


def side_data_of(frame: VideoFrame) -> dict[str, Any]:
    """What a frame carries apart from its pixels, each a buffer; nothing, where PyAV does not know a part of it."""
    try:
        all_of_it: Any = frame.side_data  # PyAV's type stubs take it for a mapping; it iterates over its values
        return {side_data.type.name: side_data for side_data in all_of_it}
    except ValueError:
        return {}


def turned(frame: VideoFrame) -> tuple[int, int, int, int]:
    """The display matrix by the frame's rotation alone, which PyAV reads in any case; it does not tell mirrors."""
    angle = math.radians(-frame.rotation)
    cosine, sine = round(UNIT * math.cos(angle)), round(UNIT * math.sin(angle))
    return cosine, sine, -sine, cosine
