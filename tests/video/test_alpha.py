"""Transparency: named as left out before the work, and promised by no tag."""

from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video, picture
from tests.video.rewrite import rewrite, times

LINE = "the transparency (alpha channel): the picture is opaque"


def transparent(path: Path, codec: str, pix_fmt: str, opaque: int = 0, drop: tuple[int, ...] = ()) -> Path:
    """Ten pictures whose right half has the alpha `opaque`; those in `drop` are left out."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48)
        stream.pix_fmt = pix_fmt
        if path.suffix == ".webm":
            stream.metadata["alpha_mode"] = "1"
        for index in range(10):
            if index in drop:
                continue
            alpha = np.full((48, 64), 255, np.uint8)
            alpha[:, 32:] = opaque
            frame = av.VideoFrame.from_ndarray(np.dstack([picture(index), alpha]), format="rgba")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("logo.mov", "qtrle", "argb"),
        ("logo.mov", "prores_ks", "yuva444p10le"),
        ("logo.mov", "png", "rgba"),
        ("logo.mkv", "ffv1", "bgra"),
        ("logo.webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_transparency_is_named(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    path = transparent(tmp_path / name, codec, pix_fmt)
    output = tmp_path / f"out{path.suffix}"
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path) as writer:
        assert reader.info.alpha and writer.left_out == [LINE]
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
    with VideoReader(output) as after:
        assert not after.info.alpha


def test_what_is_opaque_is_not_named(tmp_path: Path) -> None:
    for path in (make_video(tmp_path / "a.mp4"), transparent(tmp_path / "a.gif", "gif", "rgb8", opaque=255)):
        with VideoReader(path) as reader:
            assert not reader.info.alpha


def test_frames_left_out_of_a_transparent_webm_are_no_damage(tmp_path: Path) -> None:
    path = transparent(tmp_path / "clip.webm", "libvpx-vp9", "yuva420p", opaque=128, drop=(3, 4, 7))
    before, after, reader = rewrite(path, tmp_path / "out.webm")
    assert len(before) == 7 and reader.broken is None
    assert times(after) == times(before)
