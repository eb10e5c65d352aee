"""Give the sound in an AVI the headers of the AVI that it was copied from.

An AVI stores no time with a chunk of sound; the header says how long chunks or bytes last. FFmpeg works that out anew
from the codec, and errs: five times too fast for AC-3 and AAC, 0.7 % off for IMA ADPCM.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

HEADERS = 1 << 20  # bytes from the start of a file that hold all its headers

# `strh`: type, handler, flags, priority and language, initial frames, scale, rate, start, length, ..., sample size.
SCALE_RATE_START = slice(20, 32)
LENGTH, SAMPLE_SIZE = slice(32, 36), slice(44, 48)
STREAM_HEADER = 48  # bytes of a `strh` at least
# `strf`, a WAVEFORMATEX: codec, channels, sample rate, bytes per second, block align, bits per sample.
WAVE_FORMAT = slice(0, 16)
# `strf` of a picture, a BITMAPINFOHEADER: its size, width and height.
BITMAP_SIZE = 4


def copy_sound_headers(source: Path, output: Path, copied: Sequence[tuple[int, int]]) -> None:
    """Copy the timing of each sound stream of the AVI `source` to its counterpart in the AVI `output`, in place.

    `copied` holds, for each sound stream, how many packets and how many bytes the output has of it.
    """
    with open(source, "rb") as file:
        old = file.read(HEADERS)
    if len(sound_headers(old)) != len(copied):  # DV of type 1 has its sound inside the frames, and no header for it
        return
    with open(output, "r+b") as file:
        new = bytearray(file.read(HEADERS))
        pairs = zip(sound_headers(old), sound_headers(new), copied, strict=True)
        for (old_stream, old_format), (stream, wave_format), (packets, size) in pairs:
            for field in (SCALE_RATE_START, SAMPLE_SIZE):
                _copy(old, old_stream, new, stream, field)
            _copy(old, old_format, new, wave_format, WAVE_FORMAT)
            # Counted in samples of a fixed size, or, where that is 0, in chunks.
            (sample_size,) = struct.unpack_from("<I", old, old_stream + SAMPLE_SIZE.start)
            struct.pack_into("<I", new, stream + LENGTH.start, size // sample_size if sample_size else packets)
        file.seek(0)
        file.write(new)


def sound_headers(data: bytes | bytearray) -> list[tuple[int, int]]:
    """Where the `strh` and the `strf` of each sound stream begin, in the order of the streams."""
    return _headers(data, b"auds")


def stated_size(path: Path) -> tuple[int, int]:
    """Width and height of the first picture stream; zeros, if none is stated."""
    with open(path, "rb") as file:
        data = file.read(HEADERS)
    for _, start in _headers(data, b"vids"):
        width, height = struct.unpack_from("<2i", data, start + BITMAP_SIZE)
        return abs(width), abs(height)
    return 0, 0


def _headers(data: bytes | bytearray, kind: bytes) -> list[tuple[int, int]]:
    """Where the `strh` and the `strf` of each stream of a kind begin; of whole ones."""
    found: list[tuple[int, int]] = []
    stream = None
    for name, start in _chunks(data):
        if name == b"strh" and start + STREAM_HEADER <= len(data):
            stream = start if data[start : start + 4] == kind else None
        elif name == b"strf" and stream is not None and start + WAVE_FORMAT.stop <= len(data):
            found.append((stream, start))
    return found


def _chunks(data: bytes | bytearray) -> Iterator[tuple[bytes, int]]:
    """The name of every chunk before the pictures, and where its content begins; lists are opened."""
    position = 12  # after `RIFF`, size, `AVI `
    while position + 12 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"LIST":
            if data[position + 8 : position + 12] == b"movi":
                return
            position += 12
            continue
        yield name, position + 8
        position += 8 + size + size % 2


def _copy(old: bytes, old_start: int, new: bytearray, start: int, field: slice) -> None:
    new[start + field.start : start + field.stop] = old[old_start + field.start : old_start + field.stop]
