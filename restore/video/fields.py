"""Interlaced video as a sequence of fields: twice the rate, half the lines, woven back for the writer.

Two fields make a frame: the top one its lines 0, 2, ..., the bottom one its lines 1, 3, ..., of two different times.
Restored as a frame they would be blended into each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import TypeVar, cast

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import VideoReformatter

from restore.errors import VideoError
from restore.frame import Frame
from restore.video.carried import Carried
from restore.video.decoder import Decoder
from restore.video.images import ImageReader
from restore.video.info import VideoInfo, bobbed
from restore.video.opening import open_video, picture_stream
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

LOOKED_AT = 25  # frames: five periods of a telecine
# Where two fields are of two times, lines differ by this factor more from their neighbours in the frame than from those
# in their field; progressive frames have a factor below 0.8.
MIDDLE = 288, 512  # lines and columns at most that are measured
COMBED = 1.3
STILL = 4.0  # mean difference between frames, in levels, under which nothing moves enough to show combs
MOST = Fraction(1, 2)  # of the moving frames, that are combed


@dataclass(frozen=True)
class FieldOrder:
    """Which field of a frame comes first.

    Attributes:
        top_first: the top field.
        flagged: the video says so itself; otherwise it was measured.
        telecined: two of five frames are combed: film at 24 frames a second, in 60 fields (3:2).
    """

    top_first: bool
    flagged: bool
    telecined: bool = False

    def notes(self) -> list[str]:
        """What a person may not know of the video, a line each."""
        lines = []
        if not self.flagged and not self.telecined:
            lines.append(f"interlaced ({self}) by measurement, though it is not flagged")
        if self.telecined:
            lines.append("telecined film (3:2): two of five frames are of two film frames each")
        return lines

    def __str__(self) -> str:
        return f"{'top' if self.top_first else 'bottom'} field first"


def field_order(path: Path, part: int = 0) -> FieldOrder | None:
    """The order of the fields of a video, from the flags of its first frames or by measurement; None if progressive.

    Args:
        part: see `VideoReader`.

    Raises:
        VideoError: it cannot be read.
    """
    container = open_video(path)
    with container:
        stream = picture_stream(container, path)
        frames = list(islice(Decoder(container, stream, path, part), LOOKED_AT))  # to damage, which the reader tells of
        if not frames or frames[0].height % 2:
            return None
        flagged = [frame for frame in frames if frame.interlaced_frame]
        combs, telecined, top_first = measured([_luma(frame) for frame in frames])
        if flagged:
            return FieldOrder(top_field_first(flagged[0]), True, telecined)
        return FieldOrder(top_first, False, telecined) if combs or telecined else None


def measured(frames: list[np.ndarray]) -> tuple[bool, bool, bool]:
    """Whether frames, float `H W` each, are combed, are telecined, and (if either) have the top field first."""
    combed: list[bool] = []
    nearer_top = 0.0
    for before, frame in pairwise(frames):
        if np.abs(frame - before).mean() < STILL:
            continue
        middle = frame[2:-2]
        in_frame = np.abs(middle - (frame[1:-3] + frame[3:-1]) / 2).mean()
        in_field = np.abs(middle - (frame[:-4] + frame[4:]) / 2).mean()
        combed.append(bool(in_frame > COMBED * in_field))
        # If the top field is first, the bottom one of the frame before is the nearer in time to the next top one.
        nearer_top += np.abs(frame[1::2] - before[::2]).mean() - np.abs(frame[::2] - before[1::2]).mean()
    if not combed:
        return False, False, True
    share = Fraction(sum(combed), len(combed))
    telecined = len(combed) >= 10 and abs(share - Fraction(2, 5)) <= Fraction(1, 10) and _is_periodic(combed)
    return share > MOST, telecined, nearer_top > 0


def _is_periodic(combed: list[bool]) -> bool:
    return all(a == b for a, b in zip(combed, combed[5:], strict=False))


def top_field_first(frame: av.VideoFrame) -> bool:
    """Whether the flags of an interlaced frame say so. PyAV has no name for them, but FFmpeg's filters follow them."""
    small = VideoReformatter().reformat(frame, width=16, height=4, format="gray")
    lines = np.repeat(np.array([0, 255, 0, 255], np.uint8), small.planes[0].line_size)
    small.planes[0].update(lines.tobytes())
    graph = Graph()
    source = graph.add_buffer(width=16, height=4, format=small.format, time_base=Fraction(1, 25))
    fields, sink = graph.add("separatefields"), graph.add("buffersink")
    source.link_to(fields)
    fields.link_to(sink)
    graph.configure()
    small.pts, small.time_base = 0, Fraction(1, 25)
    graph.push(small)
    first = graph.pull()
    assert isinstance(first, av.VideoFrame), "a graph of pictures gives pictures"
    return bytes(first.planes[0])[0] == 0


class FieldReader:
    """The frames of a reader, split into fields; everything else is as it is of the reader."""

    def __init__(self, reader: VideoReader | ImageReader, order: FieldOrder) -> None:
        self.reader = reader
        self._order = order
        info = reader.info
        self.info = fields_info(info) if isinstance(info, VideoInfo) else replace(info, height=info.height // 2)

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.reader:
            duration = frame.carried.duration if frame.carried else 1
            for index in range(2):
                line = index if self._order.top_first else 1 - index
                carried = replace(frame.carried, duration=duration) if frame.carried else Carried(duration)
                image = np.ascontiguousarray(frame.image[line::2])
                yield Frame(image, 2 * frame.pts + index * duration, frame.time_base / 2, carried=carried)


class FieldWriter:
    """Weaves fields into frames for a writer; everything else is as it is of the writer."""

    def __init__(self, writer: VideoWriter, order: FieldOrder) -> None:
        self._writer = writer
        self._order = order
        self._first: tuple[np.ndarray, int, Carried | None] | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)

    def write(self, image: np.ndarray, pts: int, carried: Carried | None = None) -> None:
        """Append one field, uint8 `H/2 W 3` or `H/2 W`; as `VideoWriter.write`, for every other field."""
        if self._first is None:
            self._first = image, pts, carried
            return
        first, start, kept = self._first
        self._first = None
        self._writer.write(weave(first, image, self._order), start // 2, kept)


def weave(first: np.ndarray, second: np.ndarray, order: FieldOrder) -> np.ndarray:
    """Two fields, uint8 `H/2 W ...`, in the order of their times => the frame, `H W ...`."""
    frame = np.empty((2 * len(first), *first.shape[1:]), first.dtype)
    line = 0 if order.top_first else 1
    frame[line::2], frame[1 - line :: 2] = first, second
    return frame


R = TypeVar("R", VideoReader, VideoReader | ImageReader)


def split(reader: R, order: FieldOrder | None) -> R:
    """The reader, of fields if there is an order of them."""
    return reader if order is None else cast(R, FieldReader(reader, order))


def woven(writer: VideoWriter, order: FieldOrder | None) -> VideoWriter:
    """The writer, for fields if there is an order of them."""
    return writer if order is None else cast(VideoWriter, FieldWriter(writer, order))


def fields_info(info: VideoInfo) -> VideoInfo:
    """What the fields of a video are, from what the video is."""
    shape = info.sample_aspect_ratio / 2
    return replace(bobbed(info), height=info.height // 2, sample_aspect_ratio=shape)


def refuse_unheld(order: FieldOrder, suffix: str, path: Path) -> None:
    """Refuse to weave fields for an output that cannot say that it is interlaced.

    Raises:
        VideoError: the output is WebM.
    """
    if order.flagged and suffix.lower() == ".webm":
        raise VideoError(
            f"the video is interlaced ({order}), and VP9 cannot be; ask for --interlaced deinterlace, "
            f"or for another container: {path}"
        )


def _luma(frame: av.VideoFrame) -> np.ndarray:
    """The middle of a frame, float `H W`, an even number of lines from its top on."""
    luma = VideoReformatter().reformat(frame, format="gray").to_ndarray()
    height, width = luma.shape
    top, left = max(0, (height - MIDDLE[0]) // 4 * 2), max(0, (width - MIDDLE[1]) // 2)
    return luma[top : height - top, left : width - left].astype(np.float32)
