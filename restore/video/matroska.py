"""What FFmpeg neither writes into the header of a Matroska or WebM file when asked, nor says of it to PyAV.

Matroska states which rectangle of a picture is displayed, and at which size (RFC 9559, sections 5.1.4.1.28.8 to 14).
PyAV cannot hand them to FFmpeg's muxer, which reserves room in its header (`PADDING`) for what is put there afterwards.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from restore.video.cropping import WHOLE, Cropping

PADDING = 256  # bytes of `Void` behind the header, asked of the muxer
HEADER = {"metadata_header_padding": str(PADDING)}

SEGMENT, SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
TRACKS, TRACK_ENTRY, VIDEO, CLUSTER, VOID, CRC32 = 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0xEC, 0xBF
PIXEL_WIDTH, PIXEL_HEIGHT = 0xB0, 0xBA
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
CROP_LEFT, CROP_RIGHT, CROP_TOP, CROP_BOTTOM = 0x54CC, 0x54DD, 0x54BB, 0x54AA
ENCODINGS, ENCODING, ENCRYPTION = 0x6D80, 0x6240, 0x5035

Element = tuple[int, bytes]  # identity and content
# What is looked at of any file: elements before the pictures, of which there are a dozen, and bytes of all tracks.
ELEMENTS, LONGEST = 4096, 1 << 24


def set_display_size(path: Path, shape: Fraction, cropping: Cropping) -> None:
    """Write the size at which the first video track is displayed, and the rectangle of it that is.

    Args:
        shape: of a pixel, width : height.
    """
    with open(path, "r+b") as file:
        start, header = _header(file)
        old = list(_pieces(header))
        new = [
            (name, _packed(name, _with_display(raw, shape, cropping)) if name == TRACKS else raw) for name, raw in old
        ]
        # The last `Void` shrinks by what the tracks have grown by, so that the clusters stay where they are.
        _fit(new, max(index for index, (name, _) in enumerate(new) if name == VOID), len(header))
        moved = dict(zip(_positions(old), _positions(new), strict=True))
        (name, seek_head), (room, _) = new[:2]
        assert (name, room) == (SEEK_HEAD, VOID), "FFmpeg writes a seek head first, and room behind it"
        new[0] = name, _packed(name, _with_positions(seek_head, moved))
        _fit(new, 1, len(header))
        file.seek(start)
        file.write(b"".join(raw for _, raw in new))


def stated_cropping(path: Path) -> Cropping:
    """What the first video track crops; nothing, if it makes no sense."""
    video = _video(path)
    cropping = Cropping(*(video.get(name, 0) for name in (CROP_LEFT, CROP_RIGHT, CROP_TOP, CROP_BOTTOM)))
    return cropping if cropping.fits(video.get(PIXEL_WIDTH, 0), video.get(PIXEL_HEIGHT, 0)) else WHOLE


def stated_size(path: Path) -> tuple[int, int]:
    """Width and height of the first video track; zeros, if none is stated."""
    video = _video(path)
    return video.get(PIXEL_WIDTH, 0), video.get(PIXEL_HEIGHT, 0)


def is_encrypted(path: Path) -> bool:
    """Whether a track is encrypted."""
    encodings = (
        dict(_elements(encoding))
        for entry in _track_entries(path)
        for name, encoding in _elements(entry.get(ENCODINGS, b""))
        if name == ENCODING
    )
    return any(ENCRYPTION in encoding for encoding in encodings)


def display_size(width: int, height: int, shape: Fraction) -> tuple[int, int]:
    """The size at which a picture is displayed: exactly of the shape, and about as high as it is.

    >>> display_size(720, 576, Fraction(16, 15)), display_size(96, 72, Fraction(16, 15))
    ((768, 576), (128, 90))
    """
    ratio = shape * width / height
    times = max(1, round(height / ratio.denominator))
    return ratio.numerator * times, ratio.denominator * times


def _header(file: BinaryIO) -> tuple[int, bytes]:
    """Where the content of the segment begins, and all of it before the first cluster."""
    _, size, begin = _head(file.read(32), 0)
    file.seek(begin + size)
    identity, _, length = _head(file.read(12), 0)
    assert identity == SEGMENT, "the segment follows the EBML header"
    start = position = begin + size + length
    while True:
        file.seek(position)
        identity, size, length = _head(file.read(12), 0)
        if identity == CLUSTER:
            break
        position += length + size
    file.seek(start)
    return start, file.read(position - start)


def _video(path: Path) -> dict[int, int]:
    """The numbers that describe the first video track, by identity."""
    for entry in _track_entries(path):
        if VIDEO in entry:
            return {name: int.from_bytes(content[:8], "big") for name, content in _elements(entry[VIDEO])}
    return {}


def _track_entries(path: Path) -> list[dict[int, bytes]]:
    """The elements of each track of any file; none where there is no header of tracks before the pictures."""
    with open(path, "rb") as file, suppress(IndexError):  # the end of the file, or no element
        end = file.seek(0, 2)
        file.seek(0)
        _, size, begin = _head(file.read(32), 0)
        position = begin + size
        for _ in range(ELEMENTS):
            if position >= end:
                break
            file.seek(position)
            identity, size, length = _head(file.read(12), 0)
            if identity == CLUSTER:
                break
            if identity == TRACKS:
                file.seek(position + length)
                tracks = _elements(file.read(min(size, LONGEST)))
                return [dict(_elements(content)) for name, content in tracks if name == TRACK_ENTRY]
            position += length if identity == SEGMENT else length + size
    return []


def _pieces(data: bytes) -> Iterator[Element]:
    """Identity and all bytes of each element, up to where there is none."""
    position = 0
    with suppress(IndexError):
        while position < len(data):
            identity, size, start = _head(data, position)
            yield identity, data[position : start + size]
            position = start + size


def _elements(raw: bytes) -> list[Element]:
    """Identity and content of each element in a master element, from its content."""
    return [(identity, piece[_head(piece, 0)[2] :]) for identity, piece in _pieces(raw)]


def _inside(raw: bytes) -> list[Element]:
    return _elements(raw[_head(raw, 0)[2] :])


def _positions(pieces: list[Element]) -> list[int]:
    """Where each element begins, from the start of the segment's content on: the unit of a seek head."""
    return list(accumulate((len(raw) for _, raw in pieces[:-1]), initial=0))


def _fit(pieces: list[Element], index: int, length: int) -> None:
    """Give the `Void` at `index` the size by which all are `length` bytes."""
    left = length - sum(len(raw) for _, raw in pieces) + len(pieces[index][1])
    assert left >= 9, "the muxer was asked for enough padding"
    pieces[index] = VOID, bytes([VOID]) + (left - 9 | 1 << 56).to_bytes(8, "big") + bytes(left - 9)


def _with_display(tracks: bytes, shape: Fraction, cropping: Cropping) -> bytes:
    entries = _inside(tracks)
    for index, (name, content) in enumerate(entries):
        parts = _elements(content) if name == TRACK_ENTRY else []
        if VIDEO not in dict(parts):
            continue
        display = (DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT)
        video = [(key, value) for key, value in _elements(dict(parts)[VIDEO]) if key not in display]
        width, height = (int.from_bytes(dict(video)[key], "big") for key in (PIXEL_WIDTH, PIXEL_HEIGHT))
        for key, number in zip(display, display_size(*cropping.of(width, height), shape), strict=False):
            video.append((key, number.to_bytes(4, "big")))
        for key, number in zip((CROP_LEFT, CROP_RIGHT, CROP_TOP, CROP_BOTTOM), astuple(cropping), strict=True):
            if number:
                video.append((key, number.to_bytes(1, "big")))
        entries[index] = name, _joined([(key, _joined(video) if key == VIDEO else value) for key, value in parts])
        break
    return _checked(entries)


def _with_positions(seek_head: bytes, moved: dict[int, int]) -> bytes:
    entries = []
    for key, value in _inside(seek_head):
        if key == SEEK:
            fields = dict(_elements(value))
            old = int.from_bytes(fields[SEEK_POSITION], "big")
            new = moved.get(old, old)
            position = new.to_bytes(max(1, (new.bit_length() + 7) // 8), "big")
            value = _joined([(SEEK_ID, fields[SEEK_ID]), (SEEK_POSITION, position)])
        entries.append((key, value))
    return _checked(entries)


def _checked(entries: list[Element]) -> bytes:
    """The content of a master element, its checksum (which comes first) computed anew if it has one."""
    if not entries or entries[0][0] != CRC32:
        return _joined(entries)
    content = _joined(entries[1:])
    return _packed(CRC32, zlib.crc32(content).to_bytes(4, "little")) + content


def _joined(elements: list[Element]) -> bytes:
    return b"".join(_packed(*element) for element in elements)


def _packed(identity: int, content: bytes) -> bytes:
    """A whole element."""
    name = identity.to_bytes((identity.bit_length() + 7) // 8, "big")
    length = next(length for length in range(1, 9) if len(content) < (1 << 7 * length) - 1)
    return name + (len(content) | 1 << 7 * length).to_bytes(length, "big") + content


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Identity and size of the element at `position`, and where its content begins.

    Raises:
        IndexError: there is none.
    """
    length = 9 - data[position].bit_length()
    identity = int.from_bytes(data[position : position + length], "big")
    position += length
    if length > 4 or not data[position]:
        raise IndexError("an identity has 1 to 4 bytes, a size 1 to 8")
    length = 9 - data[position].bit_length()
    size = int.from_bytes(data[position : position + length], "big") & ((1 << 7 * length) - 1)
    return identity, size, position + length
