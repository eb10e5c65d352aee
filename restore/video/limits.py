"""How large a picture may be. A header of a few bytes can state any size, and a picture is allocated before its pixels
are read; so the stated size is looked at first.
"""

from pathlib import Path

from restore.errors import VideoError

# Twice 8K, and almost twice what the highest levels of H.264, H.265 and AV1 allow; 0.2 GB as RGB of 8 bits.
PIXELS = 8192 * 8192
SIDE = 16384  # x264 encodes no longer ones, and OpenCV samples from no sides above 32767


def refuse_large(width: int, height: int, path: Path) -> None:
    """Refuse a picture that is too large.

    Raises:
        VideoError: it has more than `PIXELS` pixels, or a side of more than `SIDE`.

    >>> refuse_large(7680, 4320, Path("8k.mp4"))
    """
    if width * height > PIXELS or max(width, height) > SIDE:
        raise VideoError(
            f"the picture is {width}x{height}, expected at most {PIXELS} pixels (8192x8192) and {SIDE} a side; "
            f"scale it down first: {path}"
        )
