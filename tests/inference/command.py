"""What the tests of the command line share."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np

from restore.video.reader import VideoReader
from tests.video.make import make_video

Command = Callable[..., int]  # the `run` of conftest.py


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


SUMMARY = ["summary.csv", "summary.json"]  # of a folder


def frames_in(path: Path) -> int:
    with VideoReader(path) as reader:
        return sum(1 for _ in reader)


def copy_streams(source: Path, path: Path, kinds: list[str]) -> Path:
    """A file with the first stream of each of `kinds` of `source`, one after the other."""
    with av.open(str(path), "w") as output, ExitStack() as stack:
        inputs = [stack.enter_context(av.open(str(source))) for _ in kinds]
        streams = [getattr(container.streams, kind)[0] for container, kind in zip(inputs, kinds, strict=True)]
        copies = [output.add_stream_from_template(stream) for stream in streams]
        for container, stream, copy in zip(inputs, streams, copies, strict=True):
            for packet in container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    output.mux(packet)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def good(at: Path) -> dict[str, object]:
    return {"degraded_video": make_video(at / "clip.mp4")}


def two(path: Path) -> Path:
    path.mkdir()
    return make_video(make_video(path / "a.mp4").with_name("b.mp4")).parent


def quarter(_: int, width: int, height: int) -> np.ndarray:
    """A mask that hides the upper left quarter, to be drawn by `make_video`."""
    mask = np.zeros((height, width, 3), np.uint8)
    mask[: height // 2, : width // 2] = 255
    return mask
