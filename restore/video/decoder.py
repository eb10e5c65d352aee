"""Decode one video stream up to its end, or up to where it breaks, and tell the two apart.

FFmpeg is silent about most damage. A file cut in half ends like a whole one, except in MP4, where the packet at the
cut comes short; Matroska skips damaged bytes up to the next cluster. What a container states of its own length tells.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from restore.video.continuity import Continuity
from restore.video.info import JOINABLE, average_rate, stated_end
from restore.video.opening import reason
from restore.video.place import Clock, Place, between
from restore.video.truncation import bytes_missing

# Stated durations are off by an audio frame or two, or by a frame left out at the end.
TOLERANCE = Fraction(1, 2)
UNREAD = 1 << 16  # bytes that an index of fragments may take


class Decoder:
    """Iterate over the frames of `stream`; afterwards `damage` is None, or says what broke it.

    Where the picture changes its size, a part of the video ends: frames of one `part` are decoded, counted from 0.
    `begins` is its place in the file, None for the first; `following` that of the next, None if there is none.
    `concealed` counts frames that the decoder flagged as patched up, `incomplete` the packets that the demuxer flagged.
    `delay`, in units of the stream's time base, is how late FFmpeg stamps the first frame of an AVI, which stores no
    presentation times; 0 for other containers.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, path: Path, part: int = 0) -> None:
        self.begins: Place | None = None
        self.following: Place | None = None
        self._part = part
        self.damage: str | None = None
        self.concealed = 0
        self.incomplete = 0
        self.delay = 0
        self._container = container
        self._stream = stream
        self._path = path
        self._version = _version(path)
        self._end = Fraction(0)  # seconds: the latest end of a packet so far
        self._last_byte = 0
        # Frame threads report damage late, and lose or swap the frames around it; slice threads do not.
        stream.thread_type = "SLICE"

    def __iter__(self) -> Iterator[av.VideoFrame]:
        size: tuple[int, int] | None = None
        part, clock = 0, Clock(self._container.format.name, 1 / average_rate(self._stream))
        for frame in self._until_damage():
            end, place = clock.end, clock.place(frame)
            size = size or (frame.width, frame.height)
            if (frame.width, frame.height) != size:
                part += 1
                if part == self._part:
                    self.begins, self.concealed, self.incomplete = between(end, place), 0, 0
                elif part > self._part:
                    self.following = between(end, place)
                    self.incomplete = max(0, self.incomplete - 1)  # as where recordings were joined, see `VideoReader`
                    self.damage = f"the picture changes size from {size[0]}x{size[1]} to {frame.width}x{frame.height}"
                    return
                size = frame.width, frame.height
            if part == self._part:
                self.concealed += frame.is_corrupt
                yield frame
        try:
            if _version(self._path) != self._version:
                self.damage = self.damage or "the file was changed while it was read"
            missing = bytes_missing(self._path)
        except OSError as error:
            self.damage = self.damage or f"the file was taken away while it was read ({error.strerror})"
            return
        if missing:
            self.damage = f"the file is cut short by {missing} bytes"
        self.damage = self.damage or self._early_end()

    def stated_end(self) -> Fraction | None:
        """When the last picture ends, in seconds, as the container states it; None if it does not, or is damaged."""
        return None if self.damage else stated_end(self._container, self._stream)

    def _until_damage(self) -> Iterator[av.VideoFrame]:
        suspect: Packet | None = None  # the packet that is being decoded
        first = True
        joinable = self._container.format.name in JOINABLE
        continuity = Continuity(self._container, self._stream)
        try:
            # Every stream is read: the end of the longest one is what a container states as its duration.
            for packet in self._container.demux():
                self._note_end(packet)
                broken = continuity.broken_before(packet)
                if packet.stream.index != self._stream.index:
                    continue
                suspect = packet
                if broken:
                    raise av.InvalidDataError(0, "frames are missing here")
                if first and self._container.format.name == "avi":
                    self.delay = (packet.pts or 0) - (packet.dts or 0)
                first = False
                self.incomplete += joinable and packet.is_corrupt
                if packet.is_corrupt and not joinable:
                    raise av.InvalidDataError(0, "a packet is incomplete")
                # Empty with a time: a frame that an AVI left out. Empty without: the end, which flushes the decoder.
                if packet.size or packet.dts is None:
                    try:
                        yield from cast("list[av.VideoFrame]", packet.decode())
                    except av.InvalidDataError:
                        if not joinable:
                            raise
                        self.concealed += 1
                suspect = None
        except av.FFmpegError as error:
            self.damage = f"the video is damaged ({reason(error)})"
            yield from self._held_before(suspect)

    def _held_before(self, suspect: Packet | None) -> list[av.VideoFrame]:
        """What the decoder still holds of the time before the damaged packet, or, if reading failed, at all."""
        try:
            held = self._stream.decode(None)
        except av.FFmpegError:
            return []
        if suspect is None:
            return held
        end = suspect.pts
        return [frame for frame in held if end is not None and frame.pts is not None and frame.pts < end]

    def _note_end(self, packet: Packet) -> None:
        if packet.pts is None:
            return
        length = (packet.duration or 0) * packet.time_base
        if not length and packet.stream.index == self._stream.index:
            length = 1 / average_rate(self._stream)
        self._last_byte = max(self._last_byte, (packet.pos or 0) + packet.size)
        self._end = max(self._end, packet.pts * packet.time_base + length)

    def _early_end(self) -> str | None:
        # A whole MP4 knows where each packet lies, and edit lists may end a stream early on purpose. One in fragments
        # ends where the next fragment cannot be found; nothing long follows the last.
        if "mp4" in self._container.format.name and not self._stream.frames:
            unread = self._path.stat().st_size - self._last_byte
            return f"{unread} bytes at the end of the file cannot be read" if unread > UNREAD else None
        stated = None
        if self._container.format.name == "avi" and self._stream.duration and self._stream.time_base:
            stated = self._stream.duration * self._stream.time_base
        elif self._container.format.name == "matroska,webm" and self._container.duration:
            stated = Fraction(self._container.duration, av.time_base)
        if stated is None or stated - self._end <= TOLERANCE:
            return None
        return f"the video ends at {float(self._end):.2f} s of {float(stated):.2f} s"


def _version(path: Path) -> tuple[int, int, int]:
    """What differs once another file has this name, or more or something else is written into it."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
