"""Copy all but the picture from the input to the output: sound and subtitles packet by packet, chapters, tags."""

import math
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from restore.errors import VideoError
from restore.video.avi import copy_sound_headers
from restore.video.opening import open_video, picture_stream, reason

# What describes the old file or its encoder, and would be a lie about the new one.
OWN_TAGS = {"encoder", "software", "duration", "rotate", "vendor_id"}
OWN_TAGS |= {"major_brand", "minor_version", "compatible_brands"}


class Passthrough:
    """Streams of `source` added to `output`, and their packets, muxed untouched as the time of the picture advances.

    One packet is held. `left_out` lists, one line each, what the output lacks: data streams and further pictures, and
    what follows damage in the sound.

    Raises:
        VideoError: a sound or subtitle stream does not fit into the container, or `source` cannot be opened.
    """

    def __init__(self, source: Path, output: OutputContainer, path: Path) -> None:
        self.left_out: list[str] = []
        self._path = source
        self._output = output
        self._source = open_video(source)
        self._copies: dict[int, Stream] = {}
        self._counts: dict[int, tuple[int, int]] = {}  # packets and bytes copied of each stream
        self._earliest: dict[int, int] = {}  # the next dts that the muxer takes of each stream
        try:
            picture = picture_stream(self._source, source)
            self.picture_tags = kept_tags(picture.metadata)
            for stream in self._source.streams:
                if stream.type in ("audio", "subtitle"):
                    self._copies[stream.index] = self._copy(stream, path)
                    self._counts[stream.index] = 0, 0
                    continue
                unread = stream.discard == Discard.all  # the text behind an MP4's chapters, which are copied below
                stream.discard = Discard.all
                if stream.type == "attachment" and output.format.name == "matroska":
                    output.add_stream_from_template(stream)
                elif stream.index != picture.index and not unread:
                    self.left_out.append(f"{stream.type} stream {stream.index} ({stream.name})")
            output.metadata.update(kept_tags(self._source.metadata))
            output.set_chapters(self._source.chapters())
            self._packets = self._demux()
            self._next = next(self._packets, None)
        except BaseException:
            self._source.close()
            raise

    def mux_until(self, time: Fraction | None) -> None:
        """Mux the packets that start before `time`, in seconds; all that are left if it is None."""
        while self._next is not None:
            if time is not None and decoding_time(self._next) * self._next.time_base >= time:
                return
            packet = self._next
            index = packet.stream.index
            packets, size = self._counts[index]
            self._counts[index] = packets + 1, size + packet.size
            self._move_forward(packet, index)
            packet.stream = self._copies[index]
            self._output.mux(packet)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._packets.close()
        self._source.close()

    def mend_headers(self, written: Path) -> None:
        """After the output, `written`, is closed: put right what FFmpeg writes wrong in an AVI from an AVI."""
        if self._source.format.name == self._output.format.name == "avi":
            sound = [index for index, stream in self._copies.items() if stream.type == "audio"]
            copy_sound_headers(self._path, written, [self._counts[index] for index in sound])

    def _copy(self, stream: Stream, path: Path) -> Stream:
        name = stream.codec_context.name if stream.codec_context else "of unknown codec"
        try:
            copy = self._output.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            raise VideoError(
                f"{stream.type} stream {stream.index} ({name}) cannot be stored in {path.suffix}; "
                f"write to the input's own container, or take that stream out of the input: {path}"
            ) from error
        copy.metadata.update(kept_tags(stream.metadata))
        copy.disposition = stream.disposition
        return copy

    def _demux(self) -> Generator[Packet, None, None]:
        if not self._copies:  # `demux()` of no streams is of all
            return
        time = Fraction(0)
        try:
            for packet in self._source.demux([self._source.streams[index] for index in self._copies]):
                if packet.pts is None and packet.dts is None:  # the end, one packet for each stream
                    continue
                # The empty text between two subtitles of an MP4: FFmpeg writes it by itself, and would write it twice.
                if packet.size == 2 and packet.stream.name == "mov_text" and bytes(packet) == b"\0\0":
                    continue
                time = decoding_time(packet) * packet.time_base
                if packet.is_corrupt:
                    raise av.InvalidDataError(0, "a packet is incomplete")
                yield packet
        except av.FFmpegError as error:
            self.left_out.append(f"sound and subtitles from {float(time):.2f} s on ({reason(error)})")

    def _move_forward(self, packet: Packet, index: int) -> None:
        """Muxers refuse packets that do not move forward, in the output's ticks; some inputs have them all the same."""
        time_base = self._copies[index].time_base
        assert time_base is not None, "the header has been written"
        ticks = packet.time_base / time_base
        tick = math.floor(decoding_time(packet) * ticks + Fraction(1, 2))
        earliest = self._earliest.get(index, tick)
        if tick < earliest:
            line = f"the exact times of {packet.stream.type} stream {index}, which do not move forward"
            if line not in self.left_out and self._output.format.name != "avi":  # an AVI stores no times
                self.left_out.append(line)
            packet.pts = packet.dts = tick = earliest
            packet.duration = math.floor((packet.duration or 0) * ticks)
            packet.time_base = time_base
        # Matroska takes two packets of one time.
        self._earliest[index] = tick + (self._output.format.name not in ("matroska", "webm"))


def decoding_time(packet: Packet) -> int:
    """The dts, or the pts where a container stores one time for both; in units of the packet's time base."""
    time = packet.pts if packet.dts is None else packet.dts
    assert time is not None, "packets without any time are passed over"
    return time


def kept_tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags that still hold for a restored copy."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in OWN_TAGS and not key.startswith(("_STATISTICS", "BPS", "NUMBER_OF_"))
    }
