"""The encoder of a video's pictures. Where a segment ends it begins anew, with a key frame, in the same stream."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from io import BytesIO
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from restore.video.coded import Coded
from restore.video.encoders import Encoder, add_picture_stream
from restore.video.info import VideoInfo

X265_REORDERS = 2  # frames


class PictureEncoder:
    """Adds a `stream` to `container` and encodes for it; all times are in units of `slot`, in seconds.

    Args:
        in_band: each key frame of H.264 has its parameter sets with it, as there are others in the stream.
    """

    def __init__(
        self,
        container: OutputContainer,
        encoder: Encoder,
        info: VideoInfo,
        slot: Fraction,
        quality: int | None,
        *,
        in_band: bool = False,
    ) -> None:
        self._add = partial(add_picture_stream, encoder=encoder, info=info, time_base=slot, quality=quality)
        self._format = container.format.name
        self.stream: VideoStream = self._add(container)
        self._coder: VideoStream | None = self.stream  # None: a segment has ended
        self._in_band = in_band
        if in_band and self._format in ("mp4", "mov"):
            self.stream.codec_context.codec_tag = "avc3"
        self._x265, self._taken = encoder.name == "libx265", 0  # frames of the segment
        self._durations: dict[int, int] = {}  # by the pts of pictures that the encoder has not given back
        self._first_dts: int | None = None
        self._dts: int | None = None  # of the last picture
        self._start = self._end = 0  # of the pictures so far
        self.latest: int | None = None  # pts of those that were copied

    def encode(self, frame: av.VideoFrame, pts: int, duration: int) -> list[Coded]:
        """Take a frame; `duration` 0: unknown. Returns what is coded, which may be of frames before it."""
        if self._coder is None:
            # A stream of a file that is never written has the settings, and the headers, of the first.
            self._coder, self._taken = self._add(av.open(BytesIO(), "w", format=self._format)), 0
        if duration:
            self._durations[pts] = duration
        self._taken += 1
        frame.pts, frame.time_base = pts, self._coder.codec_context.time_base
        return [self._coded(packet) for packet in self._coder.encode(frame)]

    def end_segment(self) -> list[Coded]:
        """What is coded of the frames so far; the next one begins a segment."""
        if self._coder is None:
            return []
        coded = [self._coded(packet) for packet in self._coder.encode(None)] if self._taken else []
        self._coder = None
        return coded

    def copy(self, pictures: Iterable[Coded]) -> Iterator[Coded]:
        """What is coded of the frames so far, and then `pictures`, which end no later than the next frame begins."""
        yield from self.end_segment()
        for coded in pictures:
            assert coded.pts is not None and coded.dts is not None, "they are of a video that states times"
            self._dts = coded.dts if self._dts is None else max(coded.dts, self._dts + 1)
            if self._first_dts is None:
                self._first_dts, self._start = self._dts, coded.pts
            self.latest = coded.pts if self.latest is None else max(self.latest, coded.pts)
            self._end = max(self._end, coded.pts + (coded.duration or 0))
            yield coded._replace(dts=self._dts)

    def finish(self) -> list[Coded]:
        """The rest, after the last frame."""
        packets = self._coder.encode(None) if self._coder else []
        return [self._coded(packet, last=packet is packets[-1]) for packet in packets]

    def state(self) -> dict[str, int | None]:
        """What is known at the end of a segment, ready for JSON."""
        return {"first_dts": self._first_dts, "dts": self._dts, "start": self._start, "end": self._end}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another encoder had this `state`."""
        self._first_dts, self._dts, self._start, self._end = (
            state[name] for name in ("first_dts", "dts", "start", "end")
        )
        self._coder = None

    def _coded(self, packet: Packet, *, last: bool = False) -> Coded:
        # The encoder may count in a time base of its own (MPEG-4 knows no finer one than 1/65535 s): in slots, too.
        # Of fewer frames than it reorders, x265 gives a dts from memory that was never set.
        dts = packet.pts if self._x265 and self._taken <= X265_REORDERS else packet.dts
        if dts is not None:
            # A new encoder begins a little before its first picture, where the last pictures of the one before may be.
            dts = dts if self._dts is None else max(dts, self._dts + 1)
            self._dts = dts
        data, duration = bytes(packet), self._duration(packet, dts, last=last)
        if self._in_band and packet.is_keyframe and self._coder:
            data = (self._coder.codec_context.extradata or b"") + data
        return Coded(data, packet.pts, dts, duration, packet.is_keyframe)

    def _duration(self, packet: Packet, dts: int | None, *, last: bool) -> int | None:
        pts = packet.pts
        if pts is None or dts is None or pts not in self._durations:
            return packet.duration
        duration = self._durations.pop(pts)
        if self._first_dts is None:
            self._first_dts, self._start = dts, pts
        self._end = max(self._end, pts + duration)
        if last and self._format in ("mp4", "mov"):
            # An MP4 sums durations up in the order of decoding, in which the last picture may not be the last.
            return max(duration, self._end - self._start - (dts - self._first_dts))
        return duration
