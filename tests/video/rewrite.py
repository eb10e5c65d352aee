"""Read a video, write it, and read that."""

from fractions import Fraction
from pathlib import Path

from restore.frame import Frame
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter


def rewrite(path: Path, output: Path, *, lossless: bool = False) -> tuple[list[Frame], list[Frame], VideoReader]:
    """Read `path`, write it to `output`, and read that: the frames of both, and the second reader."""
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path, lossless=lossless) as writer:
        before = []
        for frame in reader:
            writer.write(frame.image, frame.pts)
            before.append(frame)
    with VideoReader(output) as again:
        after = list(again)
    assert again.broken is None and len(after) == len(before)
    return before, after, again


def times(frames: list[Frame]) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in frames]
