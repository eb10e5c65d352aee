"""How many bytes a video file lacks of the length that its own container structure states.

FFmpeg reads a file that was cut in half as one that ends early, without an error. The containers know better: AVI,
Matroska and WebM state their size at the front, MP4 and MOV are a row of boxes each of which states its own.
"""

import os
from pathlib import Path
from typing import BinaryIO

# Boxes that stand at the top of an MP4 / MOV; anything else there is padding written by who knows what.
BOXES = {b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"free", b"skip", b"wide", b"uuid", b"udta"}

MOST = 1 << 22  # boxes that are looked at: a day in fragments of a frame


def bytes_missing(path: Path) -> int:
    """Bytes by which the file is shorter than it states; 0 if it is whole, or states nothing."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == b"RIFF":
            return max(0, _riff_end(file, size) - size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return max(0, _ebml_end(file, size) - size)
        if head[4:8] in BOXES:
            return max(0, _boxes_end(file, size) - size)
    return 0


def _riff_end(file: BinaryIO, size: int) -> int:
    """Files over 1 GB are a row of RIFF chunks (OpenDML)."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        # A recorder that lost power leaves its size at 0 or at the maximum: nothing stated.
        if head[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        end += 8 + length + length % 2
    # An odd last chunk may or may not carry its byte of padding.
    return end - 1 if end == size + 1 else end


def _boxes_end(file: BinaryIO, size: int) -> int:
    end = 0
    for _ in range(MOST):  # in seconds
        if end >= size:
            break
        file.seek(end)
        head = file.read(16)
        if head[4:8] not in BOXES:
            break
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: until the end of the file, however long that is
            break
        end += length
    return end


def _ebml_end(file: BinaryIO, size: int) -> int:
    """The EBML header, then one Segment that holds the rest; a live recording leaves the Segment's size open."""
    end = 0
    for _ in range(2):
        if end >= size:  # no disk has a place for some sizes that can be stated
            break
        file.seek(end)
        identity = file.read(1)
        if not identity or not identity[0]:
            break
        file.seek(8 - identity[0].bit_length(), os.SEEK_CUR)
        first = file.read(1)
        if not first or not first[0]:
            break
        more = 8 - first[0].bit_length()
        value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
        if value == (1 << 7 * (more + 1)) - 1:
            return 0
        end = file.tell() + value
    return end
