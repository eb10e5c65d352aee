"""Copy all but the picture from the input to the output: sound and subtitles packet by packet, chapters, tags."""

import math
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from restore.errors import VideoError
from restore.video.avi import copy_sound_headers
from restore.video.info import JOINABLE, VideoInfo, stated_end
from restore.video.joined import JoinedSound, decoding_time
from restore.video.opening import open_video, picture_stream, reason
from restore.video.place import Place
from restore.video.stream_copy import add_copy, holding, is_held
from restore.video.tags import Tags, kept_tags, lost_tags
from restore.video.timestamps import LATEST

TRIES = 10_000  # to read on in a transport stream whose pictures are damaged


class Passthrough:
    """Streams of `source` added to `output`, and their packets, muxed untouched as the time of the picture advances.

    One packet is held. Of a video in parts the packets are those from where the part begins (`info.begins`) up to
    `ends`, a place that is known once its pictures have been read; of a piece of a video, up to `info.ends`. `left_out`
    lists, one line each, what the output lacks: data streams and further pictures, and what follows damage in the
    sound.

    Args:
        mux: takes each packet.

    Raises:
        VideoError: a sound or subtitle stream does not fit into the container, or `source` cannot be opened.
    """

    def __init__(
        self, source: Path, output: OutputContainer, path: Path, info: VideoInfo, mux: Callable[[Packet], None]
    ) -> None:
        self.left_out: list[str] = []
        self._path = source
        self._output, self._mux = output, mux
        self._source = open_video(source)
        self._copies: dict[int, Stream] = {}
        self._joined = JoinedSound(info)
        self._begins = info.begins
        self.ends: Place | None = info.ends
        self._counts: dict[int, tuple[int, int]] = {}  # packets and bytes copied of each stream
        self._ends: dict[int, Fraction | None] = {}
        self._earliest: dict[int, int] = {}  # the next dts that the muxer takes of each stream
        try:
            picture = picture_stream(self._source, source)
            tags = Tags(kept_tags(self._source.metadata), kept_tags(picture.metadata), self._source.chapters())
            if info.ends:
                tags = self._without_times(tags)
            self.picture_tags = tags.picture
            lost, options = lost_tags(tags, output.format.name)
            output.container_options.update(options)
            self.left_out += [f"the tag {tag!r}" for tag in lost]
            self.picture_disposition = picture.disposition
            for stream in self._source.streams:
                if stream.type in ("audio", "subtitle"):
                    copy = self._copy(stream, path)
                    if copy is None:
                        stream.discard = Discard.all
                        continue
                    self._copies[stream.index] = copy
                    self._counts[stream.index] = 0, 0
                    self._ends[stream.index] = stated_end(self._source, stream)
                    continue
                unread = stream.discard == Discard.all  # the text behind an MP4's chapters, which are copied below
                stream.discard = Discard.all
                if stream.type == "attachment" and output.format.name == "matroska":
                    output.add_stream_from_template(stream)
                elif stream.index != picture.index and not unread and not self._is_timecode(stream):
                    self.left_out.append(
                        f"{stream.type} stream {stream.index} ({getattr(stream, 'name', None) or 'of unknown codec'})"
                    )
            output.metadata.update(tags.file)
            output.set_chapters(tags.chapters)
            self._packets = self._demux()
            self._next = next(self._packets, None)
        except BaseException:
            self._source.close()
            raise

    def _is_timecode(self, stream: Stream) -> bool:
        """Whether a data stream holds nothing but the timecode, which is a tag of the picture too."""
        code = stream.metadata.get("timecode")
        return stream.type == "data" and code is not None and code == self.picture_tags.get("timecode")

    def _without_times(self, tags: Tags) -> Tags:
        """The tags of a piece of a video: what states times of the whole does not hold."""
        timed = [name for name in ("timecode",) if name in tags.file or name in tags.picture]
        self.left_out += [f"the tag {name!r}, as it is of the whole video" for name in timed]
        self.left_out += ["chapters, as they are of the whole video"] * bool(tags.chapters)
        of_file, of_picture = (
            {name: value for name, value in of.items() if name not in timed} for of in (tags.file, tags.picture)
        )
        return Tags(of_file, of_picture)

    def mux_until(self, time: Fraction | None) -> None:
        """Mux the packets that start before `time`, in seconds; all that are left if it is None."""
        while self._next is not None:
            packet = self._next
            index = packet.stream.index
            place = self._joined.place(packet)
            if (self._begins and place < self._begins) or (self.ends and place >= self.ends):
                self._joined.leave_out(packet)
                self._next = next(self._packets, None)
                continue
            move = self._joined.move(packet, last=time is None)
            if move is None:  # it belongs behind a seam that the picture has not come to
                return
            if time is not None and decoding_time(packet) * packet.time_base + move >= time:
                return
            self._joined.take(packet, move)
            packets, size = self._counts[index]
            if packets == 0 and self._source.format.name == "matroska,webm":
                self._take_off_delay(packet, index)
            self._counts[index] = packets + 1, size + packet.size
            self._move_forward(packet, index)
            self._cut_padding(packet, self._ends[index])
            packet.stream = self._copies[index]
            self._mux(packet)
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

    def _copy(self, stream: Stream, path: Path) -> Stream | None:
        """A copy of a sound or subtitle stream in the output; None for subtitles that fit nowhere."""
        if not is_held(stream, self._output.format.name):
            name = stream.codec_context.name if stream.codec_context else "of unknown codec"
            what, others = f"{stream.type} stream {stream.index} ({name})", holding(stream)
            if not others and stream.type == "subtitle":
                self.left_out.append(what)
                return None
            advice = (
                f"{' and '.join(others)} can" if others else "take that stream out of the input, or convert it first"
            )
            raise VideoError(f"{what} cannot be stored in {path.suffix}; {advice}: {path}")
        copy = add_copy(self._output, stream)
        copy.metadata.update(kept_tags(stream.metadata))
        copy.disposition = stream.disposition
        return copy

    def _demux(self) -> Generator[Packet, None, None]:
        if not self._copies:  # `demux()` of no streams is of all
            return
        time = Fraction(0)
        try:
            for packet in self._demuxed():
                if packet.pts is None and packet.dts is None:  # the end, one packet for each stream
                    continue
                # The empty text between two subtitles of an MP4: FFmpeg writes it by itself, and would write it twice.
                if packet.size == 2 and packet.stream.name == "mov_text" and bytes(packet) == b"\0\0":
                    continue
                if abs(decoding_time(packet) * packet.time_base) > LATEST:
                    raise av.InvalidDataError(0, "a time that no clock has")
                time = decoding_time(packet) * packet.time_base
                if packet.is_corrupt and self._source.format.name not in JOINABLE:
                    raise av.InvalidDataError(0, "a packet is incomplete")
                yield packet
        except av.FFmpegError as error:
            self.left_out.append(f"sound and subtitles from {float(time):.2f} s on ({reason(error)})")

    def _demuxed(self) -> Iterator[Packet]:
        streams = [self._source.streams[index] for index in self._copies]
        for _ in range(TRIES):
            try:
                yield from self._source.demux(streams)
                return
            except av.BlockingIOError:  # FFmpeg's word for: nothing here, read on
                continue

    def _take_off_delay(self, first: Packet, index: int) -> None:
        """A decoder's delay is in the end that Matroska states; FFmpeg takes it off the times of the packets."""
        end = self._ends[index]
        if end is not None and first.pts is not None:
            self._ends[index] = end + min(0, first.pts) * first.time_base

    def _cut_padding(self, packet: Packet, end: Fraction | None) -> None:
        """The last packet of a sound is padded to its full length; what the container states is where it ends."""
        if end is None or packet.pts is None or not packet.duration or packet.stream.type != "audio":
            return
        left = math.floor(end / packet.time_base + Fraction(1, 2)) - packet.pts
        if 0 < left < packet.duration:
            packet.duration = left

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
