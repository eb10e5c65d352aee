"""Coded pictures copied before and behind pictures that are encoded anew: what comes out, and its times."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from restore.video.copied_pictures import copies, copying
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video, packets_of, picture

FRAMES, FIRST, LAST = 60, 27, 31
GROUPS = "keyint=12:scenecut=0:bframes=3:ref=4:cabac=0"  # key frames 0, 12, 24, ...; parameters other than the writer's


def make(path: Path, **settings: Any) -> Path:
    parameters = settings.pop("parameters", f"{GROUPS}:open-gop=0")
    options = {"preset": "medium", "crf": "20", "x264-params": parameters}
    if path.suffix == ".avi":
        options = {}
    return make_video(path, range(FRAMES), options=options, seconds_of_sound=2, **settings)


def decoded(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """Time in seconds and planes of each picture."""
    with av.open(str(path)) as container:
        return [(frame.pts * frame.time_base, frame.to_ndarray()) for frame in container.decode(video=0)]


def joined(video: Path, output: Path, first: int, last: int) -> list[list[int]]:
    """Write a video with some pictures inverted => the frames that were copied."""
    with VideoReader(video) as reader:
        frames = list(reader)
        found = copies(video, reader.info, output, quality=None, first=frames[first].pts, last=frames[last].pts)
        assert found
        with VideoWriter(output, info=reader.info, source=video, copies=True) as plain:
            writer = copying(plain, found)
            for index, frame in enumerate(frames):
                image = 255 - frame.image if first <= index <= last else frame.image
                writer.write(image, frame.pts, frame.carried)
    return found.frames


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("source", [".mp4", ".mkv"])
def test_what_is_copied_is_decoded_as_it_was(tmp_path: Path, source: str, suffix: str) -> None:
    video, output = make(tmp_path / f"clip{source}"), tmp_path / f"joined{suffix}"
    assert joined(video, output, FIRST, LAST) == [[0, 23], [36, 59]]
    before, after = decoded(video), decoded(output)
    assert len(after) == FRAMES
    for index, ((then, picture_then), (now, picture_now)) in enumerate(zip(before, after, strict=True)):
        assert abs(then - now) < Fraction(1, 500)
        if index < 24 or index >= 36:
            assert np.array_equal(picture_then, picture_now), index
        else:
            same = np.abs(picture_then.astype(int) - picture_now).mean() < 4
            assert same == (not FIRST <= index <= LAST), index
    assert [data for _, data in packets_of(output, "audio")] == [data for _, data in packets_of(video, "audio")]
    with av.open(str(output)) as container:
        times = [packet.dts for packet in container.demux(video=0) if packet.dts is not None]
        assert all(a < b for a, b in pairwise(times))
        if suffix != ".mkv":  # the parameters are in the stream, which avc1 does not allow
            assert container.streams.video[0].codec_context.codec_tag == "avc3"


@pytest.mark.parametrize(
    ("first", "last", "frames"), [(0, 3, [[12, 59]]), (50, 59, [[0, 47]]), (12, 23, [[0, 11], [24, 59]])]
)
def test_at_the_ends(tmp_path: Path, first: int, last: int, frames: list[list[int]]) -> None:
    video, output = make(tmp_path / "clip.mp4"), tmp_path / "joined.mp4"
    assert joined(video, output, first, last) == frames
    before, after = decoded(video), decoded(output)
    assert [time for time, _ in before] == [time for time, _ in after]
    for begin, end in frames:
        for index in range(begin, end + 1):
            assert np.array_equal(before[index][1], after[index][1])


@pytest.mark.parametrize(
    "settings",
    [
        {"parameters": f"{GROUPS}:open-gop=1"},
        {"pix_fmt": "yuv444p"},
        {"rotation": (90, False)},
        {"rotation": (0, True)},
        {"size": (63, 48), "pix_fmt": "yuv444p"},
    ],
    ids=str,
)
def test_what_cannot_be_joined(tmp_path: Path, settings: dict[str, Any]) -> None:
    video = make(tmp_path / "clip.mp4", **settings)
    with VideoReader(video) as reader:
        pts = [frame.pts for frame in reader]
        found = copies(video, reader.info, tmp_path / "out.mp4", quality=None, first=pts[FIRST], last=pts[LAST])
    assert found is None


def test_other_codecs_and_containers(tmp_path: Path) -> None:
    for suffix, output in ((".avi", ".avi"), (".avi", ".mp4"), (".mp4", ".avi"), (".webm", ".webm")):
        video = make_video(tmp_path / f"clip{suffix}", draw=picture)
        with VideoReader(video) as reader:
            assert copies(video, reader.info, tmp_path / f"out{output}", quality=None, first=0, last=1) is None
