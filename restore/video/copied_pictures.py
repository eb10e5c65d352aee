"""Coded pictures of a video that go into another as they are, before and behind what is encoded anew.

Groups of pictures that need no other are copied whole: from one closed key frame to another. H.264's parameter sets
stand in the stream, before each key frame of what is copied and of what is encoded, as they differ (`avc3` in MP4, ISO
14496-15); a decoder follows them there.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

from restore.video.carried import Carried
from restore.video.coded import Coded
from restore.video.colours import display_matrix
from restore.video.encoders import BY_SUFFIX, H264, fitting, padding
from restore.video.info import VideoInfo
from restore.video.opening import open_video, picture_stream
from restore.video.writer import VideoWriter

STATING_TIMES = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"  # FFmpeg's names of containers that state each picture's
IDR = re.compile(
    rb"\x00\x00\x01[\x05\x25\x45\x65]"
)  # a picture from which on no other before is needed (H.264, table 7-1)
ENCODED = (
    "frames outside the range are encoded anew too, from the pictures as they were read, as none of them can be copied "
    "into this output; --lossless passes them through bit for bit"
)
LEAST_TICKS = 32  # between two pictures: decoding times of what is joined are moved by as many at most


class Copies(NamedTuple):
    """What of the coded pictures of a video is copied where others of it are encoded anew.

    Attributes:
        path: of the video.
        times: the pts of all its pictures, in the order of decoding.
        order: the same, in order.
        before, behind: how many are copied before and behind those that are encoded; 0: none.
    """

    path: Path
    times: list[int]
    order: list[int]
    before: int
    behind: int

    @property
    def frames(self) -> list[list[int]]:
        """The first and the last of those that are copied before, and of those behind, where any are; from 0 on."""
        count = len(self.order)
        return [[0, self.before - 1]] * bool(self.before) + [[count - self.behind, count - 1]] * bool(self.behind)

    @property
    def note(self) -> str:
        """What a person may not expect of the output."""
        copied = " and ".join(f"{first} to {last}" for first, last in self.frames)
        return (
            f"frames {copied} are copied as they are coded; the others are encoded, those outside the range from the "
            "pictures as they were read; players that do not follow parameters within a stream may not display all"
        )

    def is_before(self, pts: int) -> bool:
        """Whether a picture is copied, and before those that are encoded."""
        return bisect_left(self.order, pts) < self.before

    def is_behind(self, pts: int) -> bool:
        """Whether a picture is copied, and behind those that are encoded."""
        return bisect_left(self.order, pts) >= len(self.order) - self.behind

    def pictures(self, start: int, stop: int) -> Iterator[Coded]:
        """Those of these numbers, in the order of decoding."""
        # Decoding times of our own, as not all containers state them: as late as they can be.
        delay = max(ordered - pts for ordered, pts in zip(self.order, self.times, strict=True))
        numbered = zip(self.order, _packets(self.path), strict=True)
        for ordered, packet in islice(numbered, start, stop):
            yield Coded(bytes(packet), packet.pts, ordered - delay, packet.duration or None, packet.is_keyframe)


def copies(path: Path, info: VideoInfo, output: Path, *, quality: int | None, first: int, last: int) -> Copies | None:
    """What is copied of a video where its pictures from `first` to `last`, their pts, are encoded anew; None where what
    is encoded for this output cannot be joined with what the video has.
    """
    suffix = output.suffix.lower()
    if fitting(BY_SUFFIX[suffix], info, quality, suffix) is not H264 or padding(H264, info):
        return None
    plain = info.codec == "h264" and info.pix_fmt == "yuv420p" and info.container in STATING_TIMES
    if not plain or info.interlaced or info.cropping or _is_turned(path):
        return None
    packets: list[tuple[int, bool]] = []
    for packet in _packets(path):
        if packet.pts is None or packet.is_discard:  # by an edit list: which pictures are displayed is not stated here
            return None
        packets.append((packet.pts, packet.is_keyframe and bool(IDR.search(bytes(packet)))))
    times = [pts for pts, _ in packets]
    order = sorted(times)
    if np.diff(order).min(initial=LEAST_TICKS) < LEAST_TICKS:
        return None
    # Closed: of what is decoded later nothing is displayed before it, and the other way round.
    least = [*accumulate(reversed(times), min)][::-1]
    closed = [index for index, (pts, key) in enumerate(packets) if key and least[index] == pts == order[index]]
    before = max((index for index in closed if times[index] <= first), default=0)
    behind = min((index for index in closed if times[index] > last), default=len(order))
    return Copies(path, times, order, before, len(order) - behind) if before or behind < len(order) else None


def _packets(path: Path) -> Iterator[Packet]:
    """The coded pictures, with start codes, and parameter sets before each key frame."""
    with open_video(path) as container:
        stream = picture_stream(container, path)
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.size:
                yield from to_annex_b.filter(packet)


def _is_turned(path: Path) -> bool:
    """Whether pictures are displayed rotated or mirrored; those that are encoded are upright."""
    with open_video(path) as container:
        frame = next(container.decode(picture_stream(container, path)))
        a, b, c, d = display_matrix(frame)
    return not (a > 0 and d > 0 and b == c == 0)


class CopyingWriter:
    """Has a writer copy pictures, in place of writing them; everything else is as it is of the writer."""

    def __init__(self, writer: VideoWriter, copies: Copies) -> None:
        self._writer, self._copies = writer, copies
        self._behind = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)

    def write(self, image: np.ndarray, pts: int, carried: Carried | None = None) -> None:
        """As `VideoWriter.write`; with the first of those that are copied all of these are."""
        count = len(self._copies.order)
        if self._copies.is_before(pts):
            if not self._writer.begun:
                self._writer.copy(self._copies.pictures(0, self._copies.before))
        elif not self._copies.is_behind(pts):
            self._writer.write(image, pts, carried)
        elif not self._behind:
            self._behind = True
            self._writer.copy(self._copies.pictures(count - self._copies.behind, count))


def copying(writer: VideoWriter, copies: Copies | None) -> VideoWriter:
    """The writer, with what is copied if anything is."""
    return writer if copies is None else cast(VideoWriter, CopyingWriter(writer, copies))
