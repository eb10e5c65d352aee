"""The size that an image file states in its header: of PNG, JPEG, BMP, TIFF and WebP, whatever the file is called.

OpenCV says the size of an image only once it has decoded it.
"""

import struct
from contextlib import suppress

# Markers of JPEG (ITU-T T.81, table B.1) that start a frame; those without a length.
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE = {0x01, *range(0xD0, 0xD9), 0xFF}
TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # unsigned whole numbers
TIFF_WIDTH, TIFF_HEIGHT = 256, 257


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the header of an image file; None where it is of none of these formats, or cut short.

    >>> stated_size(b"BM" + bytes(16) + (640).to_bytes(4, "little") + (480).to_bytes(4, "little"))
    (640, 480)
    """
    with suppress(struct.error, IndexError):
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">2I", data, 16)
        if data.startswith(b"\xff\xd8"):
            return _of_jpeg(data)
        if data.startswith(b"BM"):
            width, height = struct.unpack_from("<2i", data, 18)
            return abs(width), abs(height)  # less than 0: the rows are stored from the top on
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _of_tiff(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _of_webp(data)
    return None


def _of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES:
            height, width = struct.unpack_from(">2H", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 if marker in BARE else 2 + max(2, *struct.unpack_from(">H", data, at + 2))
    return None


def _of_tiff(data: bytes) -> tuple[int, int] | None:
    """TIFF 6.0, and BigTIFF: the first directory."""
    order = "<" if data[:1] == b"I" else ">"
    big = b"+" in data[2:4]
    counts, offset, length = ("Q", "Q", 20) if big else ("H", "I", 12)
    (start,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + counts, data, start)
    start += struct.calcsize(counts)
    found: dict[int, int] = {}
    for entry in range(start, start + length * min(count, 1 << 16), length):
        tag, kind = struct.unpack_from(order + "2H", data, entry)
        if tag in (TIFF_WIDTH, TIFF_HEIGHT) and kind in TIFF_TYPES:
            (found[tag],) = struct.unpack_from(order + TIFF_TYPES[kind], data, entry + (12 if big else 8))
        if len(found) == 2:
            return found[TIFF_WIDTH], found[TIFF_HEIGHT]
    return None


def _of_webp(data: bytes) -> tuple[int, int] | None:
    """RFC 9649: lossy (a frame of VP8), lossless, or extended."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<2H", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    return None
