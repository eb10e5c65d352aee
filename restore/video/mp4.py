"""What FFmpeg neither writes into the header of an MP4 or MOV (ISO/IEC 14496-12) when asked, nor says of it to PyAV.

The track header (`tkhd`) states the size at which a track is displayed, 16.16 fixed point: of a picture with pixels
that are not square another one than its samples have. The sample entry states in `clap` which rectangle is displayed,
and, by its name, whether the samples are encrypted.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from restore.video.cropping import WHOLE, Cropping

INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}  # boxes that hold nothing but boxes, one inside the other
SIZE_FROM_END = 8  # bytes: width and height end a `tkhd`
MOST = 1 << 20  # boxes that are looked at, one behind the other
ENTRIES = 8  # bytes before the sample entries in a `stsd`
OF_PICTURE = 78  # bytes before the boxes in the sample entry of a picture
SIZE_OF_PICTURE = 24  # bytes before its width and height
ENCRYPTED = {b"encv", b"enca", b"drmi", b"drms"}  # ISO/IEC 23001-7, and Apple's FairPlay


@dataclass
class Track:
    """Positions are bytes from the start of the file."""

    boxes: list[int] = field(default_factory=list)  # where each box begins that the sample entries lie in
    header: int = 0  # where `tkhd` ends
    identity: int = 0
    kind: bytes = b""  # of the handler: `vide`, `soun`, ...
    entries: list[tuple[bytes, int, int]] = field(default_factory=list)  # name, and where each begins and ends


def set_display_size(path: Path, shape: Fraction, cropping: Cropping) -> None:
    """Write the width and height at which the first picture is displayed, and the rectangle of it that is.

    The file is one that FFmpeg has just written, so that its header is its end, and may grow.

    Args:
        shape: of a pixel, width : height.
    """
    with open(path, "r+b") as file:
        track = next(track for track in tracks(file) if track.kind == b"vide")
        file.seek(track.header - SIZE_FROM_END)
        width, height = (size >> 16 for size in struct.unpack(">2I", file.read(8)))
        width, height = cropping.of(width, height)
        file.seek(track.header - SIZE_FROM_END)
        file.write(struct.pack(">2I", min(round(width * shape * 65536), 0xFFFFFFFF), height << 16))
        if cropping:
            _grow(file, track, _clap(width, height, cropping))


def stated_cropping(path: Path, identity: int) -> Cropping:
    """What the first sample entry of the track `identity` crops."""
    with open(path, "rb") as file:
        for start, end in _picture_entries(file, identity):
            size = _size(file, start)
            for name, begin, stop in _boxes(file, start + 8 + OF_PICTURE, end):
                if name == b"clap" and stop - begin >= 32:
                    file.seek(begin)
                    return _cropping(struct.unpack(">4I4i", file.read(32)), *size)
    return WHOLE


def stated_size(path: Path, identity: int) -> tuple[int, int]:
    """Width and height by the first sample entry of the track `identity`; zeros, if it states none."""
    with open(path, "rb") as file:
        return next((_size(file, start) for start, _ in _picture_entries(file, identity)), (0, 0))


def is_encrypted(path: Path) -> bool:
    """Whether a picture or a sound is encrypted."""
    with open(path, "rb") as file:
        return any(name in ENCRYPTED for track in tracks(file) for name, _, _ in track.entries)


def tracks(file: BinaryIO) -> list[Track]:
    """All tracks, in their order."""
    found: list[Track] = []
    file.seek(0, 2)
    with suppress(struct.error, IndexError):  # the file is cut short
        _walk(file, 0, file.tell(), [], found)
    return found


def _picture_entries(file: BinaryIO, identity: int) -> Iterator[tuple[int, int]]:
    """Where the first sample entry of each picture of a track begins and ends; of whole ones."""
    for track in tracks(file):
        if track.identity == identity and track.kind == b"vide" and track.entries:
            _, start, end = track.entries[0]
            if end - start >= 8 + OF_PICTURE:
                yield start, end


def _size(file: BinaryIO, start: int) -> tuple[int, int]:
    file.seek(start + 8 + SIZE_OF_PICTURE)
    width, height = struct.unpack(">2H", file.read(4))
    return width, height


def _walk(file: BinaryIO, start: int, end: int, around: list[int], found: list[Track]) -> None:
    for name, begin, stop in _boxes(file, start, end):
        boxes = [*around, begin - 8]
        if name == b"trak":
            found.append(Track())
        if name in INSIDE and len(around) < len(INSIDE):
            _walk(file, begin, stop, boxes, found)
        elif name == b"tkhd" and found:
            file.seek(begin)
            version = file.read(1)[0]
            file.seek(begin + (20 if version else 12))
            found[-1].identity, found[-1].header = int.from_bytes(file.read(4), "big"), stop
        elif name == b"hdlr" and found and not found[-1].kind:
            file.seek(begin + 8)
            found[-1].kind = file.read(4)
        elif name == b"stsd" and found:
            found[-1].boxes = boxes
            found[-1].entries = [(entry, first - 8, last) for entry, first, last in _boxes(file, begin + ENTRIES, stop)]


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name of each box, and where its content begins and ends."""
    for _ in range(MOST):
        if start + 8 > end:
            return
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        begin = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            begin += 8
        size = size or end - start
        if size < 8 or start + size > end:
            return
        yield name, begin, start + size
        start += size


def _grow(file: BinaryIO, track: Track, box: bytes) -> None:
    """Put a box at the end of the first sample entry of a track."""
    _, start, end = track.entries[0]
    for position in (*track.boxes, start):
        file.seek(position)
        (size,) = struct.unpack(">I", file.read(4))
        file.seek(position)
        file.write(struct.pack(">I", size + len(box)))
    file.seek(end)
    rest = file.read()
    file.seek(end)
    file.write(box + rest)


def _clap(width: int, height: int, cropping: Cropping) -> bytes:
    """The box for a rectangle of `width` x `height`, which states how far its centre is off that of the picture."""
    across, down = cropping.left - cropping.right, cropping.top - cropping.bottom
    return struct.pack(">I4s4I4i", 40, b"clap", width, 1, height, 1, across, 2, down, 2)


def _cropping(numbers: tuple[int, ...], width: int, height: int) -> Cropping:
    """What a `clap` crops of a picture of `width` x `height`; nothing, if it makes no sense."""
    if not all(numbers[1::2]):
        return WHOLE
    across, down, right, lower = (Fraction(*numbers[index : index + 2]) for index in (0, 2, 4, 6))
    left, top = round((width - across) / 2 + right), round((height - down) / 2 + lower)
    cropping = Cropping(left, width - left - round(across), top, height - top - round(down))
    return cropping if cropping.fits(width, height) else WHOLE
