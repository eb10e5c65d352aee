"""A video that is written in segments: all of it plays, and another writer goes on behind a segment, byte by byte."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from restore.video.coded import CodedFiles
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import CONTAINERS, UNEVEN, make_video, packets_of, psnr

FRAMES, SEGMENTS = 30, (11, 12, 24)  # one of a single picture, which has no frames between
DEEP = {"pix_fmt": "yuv420p10le", "codec": "libx265", "options": {"x265-params": "log-level=none"}}


def write(
    source: Path, path: Path, folder: Path, begin: int = 0, end: int = FRAMES, **settings: Any
) -> list[dict[str, Any]]:
    """Write the frames of `source` from `begin` up to `end`, and resume if there are some before => the segments."""
    folder.mkdir(exist_ok=True)
    done: list[dict[str, Any]] = settings.pop("done", [])
    files = CodedFiles(folder, "output", len(done) + 1)
    segments = [*done]
    with VideoReader(source) as reader:
        with VideoWriter(path, info=reader.info, source=source, folder=folder, files=files, **settings) as writer:
            if done:
                writer.resume(done, folder)
            for index, frame in enumerate(reader):
                if begin <= index < end:
                    writer.write(frame.image, frame.pts, frame.carried)
                if index + 1 in SEGMENTS and begin < index + 1 <= end:
                    segments.append(writer.end_segment())
                    files.keep()
            writer.end_at(reader.following)
    files.close()
    return segments


def times(path: Path) -> list[Fraction]:
    with VideoReader(path) as reader:
        return [frame.pts * frame.time_base for frame in reader]


@pytest.mark.parametrize("suffix", [*CONTAINERS, ".lossless", ".deep.mp4", ".deep.mkv"])
def test_the_same_video(tmp_path: Path, suffix: str) -> None:
    deep, lossless = suffix.startswith(".deep"), suffix == ".lossless"
    suffix = ".mkv" if lossless else suffix.removeprefix(".deep")
    source = make_video(tmp_path / f"clip{suffix}", range(FRAMES), seconds_of_sound=1.2, **DEEP if deep else {})
    whole, other, single = (tmp_path / f"{name}{suffix}" for name in ("whole", "other", "single"))
    segments = write(source, whole, tmp_path / "whole", lossless=lossless)
    assert [len(segment["coded"]["pictures"]) for segment in segments] == [11, 1, 12]

    done = write(source, other, tmp_path / "again", end=12, lossless=lossless)
    assert done == segments[:2]
    write(source, other, tmp_path / "again", begin=12, done=done, overwrite=True, lossless=lossless)
    assert other.read_bytes() == whole.read_bytes()

    with (
        VideoReader(source) as reader,
        VideoWriter(single, info=reader.info, source=source, lossless=lossless) as writer,
    ):
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
    assert times(whole) == times(single)
    assert packets_of(whole, "audio") == packets_of(single, "audio") != []
    with VideoReader(whole) as one, VideoReader(single) as two, VideoReader(source) as three:
        frames = zip(one, two, three, strict=True)
        losses = [[psnr(x.image, original.image) for x in both] for *both, original in frames]
    segmented, unbroken = np.mean(losses, 0)
    assert segmented > unbroken - 1
    with av.open(str(whole)) as container:
        keys = [index for index, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert {0, *SEGMENTS} <= {*keys}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times(tmp_path: Path, suffix: str) -> None:
    source = make_video(tmp_path / f"clip{suffix}", [*UNEVEN, *(700 + t for t in UNEVEN)], time_base=Fraction(1, 1000))
    whole, single = tmp_path / f"whole{suffix}", tmp_path / f"single{suffix}"
    write(source, whole, tmp_path / "whole")
    with VideoReader(source) as reader, VideoWriter(single, info=reader.info, source=source) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
    assert times(whole) == times(single)
