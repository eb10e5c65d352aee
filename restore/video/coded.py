"""Coded pictures of one stream, kept in files segment by segment, so that another process can go on behind them."""

import os
from collections.abc import Iterator
from fractions import Fraction
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from av.packet import Packet
from av.video.stream import VideoStream


class Coded(NamedTuple):
    """One coded picture; its times are in units of the stream that it is written into.

    FFmpeg's flag for pictures that no other needs is left out: PyAV cannot set it, and only an MP4 of H.265 states it,
    in a table (`sdtp`) that may be missing.
    """

    data: bytes
    pts: int | None
    dts: int | None
    duration: int | None
    key: bool

    def packet(self, stream: VideoStream, time_base: Fraction) -> Packet:
        """As FFmpeg has it."""
        packet = Packet(self.data)
        packet.pts, packet.dts, packet.is_keyframe = self.pts, self.dts, self.key
        packet.duration = self.duration or 0
        packet.time_base, packet.stream = time_base, stream
        return packet


class CodedFiles:
    """Writes the pictures of a stream into `FOLDER/NUMBER.NAME.coded`, a file for each segment, and reads them again.

    A file appears under its name once its segment has ended. What is known of it is an entry, ready for JSON: `file`,
    `sha256`, and `pictures`, the size in bytes, pts, dts, duration and key of each.

    Args:
        folder: it exists.
        number: of the first segment that is written.
    """

    def __init__(self, folder: Path, name: str, number: int = 1) -> None:
        self._folder, self._name = folder, name
        self.number = number
        self._file: BinaryIO | None = None
        self._pictures: list[list[int | bool | None]] = []

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.number:05}.{self._name}.coded"

    @property
    def _part(self) -> Path:
        return self._path.with_suffix(".part")

    def add(self, coded: Coded) -> None:
        """The next picture.

        Raises:
            OSError: the disk is full.
        """
        self._file = self._file or open(self._part, "wb")  # noqa: SIM115
        self._file.write(coded.data)
        self._pictures.append([len(coded.data), *coded[1:]])

    def end_segment(self) -> dict[str, Any]:
        """Its entry; at this point it is on the disk under a temporary name, which `keep` ends.

        Raises:
            OSError: the disk is full.
        """
        self._file = self._file or open(self._part, "wb")  # noqa: SIM115
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        entry = {"file": self._path.name, "sha256": digest(self._part), "pictures": self._pictures}
        self._pictures = []
        return entry

    def keep(self) -> None:
        """Give the segment that has ended its name; the next one begins."""
        os.replace(self._part, self._path)
        self.number += 1

    def close(self) -> None:
        """Close the file; what it holds of a segment that has not ended is lost."""
        if self._file:
            file, self._file = self._file, None
            file.close()


def read_coded(folder: Path, entry: dict[str, Any]) -> Iterator[Coded]:
    """The pictures of an entry."""
    with open(folder / entry["file"], "rb") as file:
        for size, pts, dts, duration, key in entry["pictures"]:
            yield Coded(file.read(size), pts, dts, duration, key)


def digest(path: Path) -> str | None:
    """The SHA-256 of a file; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
