"""Put right what FFmpeg cannot be asked to write into the header of an MP4 (ISO/IEC 14496-12).

The track header (`tkhd`) states the size at which a track is displayed, 16.16 fixed point: of a picture with pixels
that are not square another one than its samples have. PyAV cannot hand the shape of a pixel to FFmpeg's muxer.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

CONTAINERS = {b"moov", b"trak", b"mdia"}
SIZE_FROM_END = 8  # bytes: width and height end a `tkhd`


def set_pixel_shape(path: Path, shape: Fraction) -> None:
    """Write the width at which the first video track is displayed, for pixels of `shape` (width : height)."""
    with open(path, "r+b") as file:
        file.seek(0, 2)
        for header, kind in _tracks(file, 0, file.tell()):
            if kind != b"vide":
                continue
            file.seek(header - SIZE_FROM_END)
            (width,) = struct.unpack(">I", file.read(4))
            file.seek(header - SIZE_FROM_END)
            file.write(struct.pack(">I", min(round(width * shape), 0xFFFFFFFF)))
            return


def _tracks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Where the header of each track ends, and the kind of its handler."""
    header = 0
    for name, begin, stop in _boxes(file, start, end):
        if name in CONTAINERS:
            yield from ((position or header, kind) for position, kind in _tracks(file, begin, stop))
        elif name == b"tkhd":
            header = stop
        elif name == b"hdlr":
            file.seek(begin + 8)
            yield header, file.read(4)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        begin = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            begin += 8
        size = size or end - start
        yield name, begin, start + size
        start += size
