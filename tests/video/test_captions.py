"""Closed captions inside the frames (ATSC A/53, part 4): written again where the encoder can, named where it cannot."""

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest

from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video, psnr
from tests.video.rewrite import rewrite


def with_captions(path: Path, first: int = 0) -> Path:
    """A copy in MP4 of an H.264 stream with captions in the frames from number `first` on."""
    raw = make_video(path.with_suffix(".h264"), codec="libx264", options={"bf": "0"}).read_bytes()
    pairs = bytes([0xFC, 0x94, 0x20, 0xFC, 0x94, 0x2C])
    message = b"\xb5\x00\x31GA94\x03" + bytes([0xC2, 0xFF]) + pairs + b"\xff"
    caption = b"\0\0\0\1\x06\x04" + bytes([len(message)]) + message + b"\x80"
    parts, data, count = re.split(b"(\0\0\0\1|\0\0\1)", raw), b"", 0
    for code, unit in zip(parts[1::2], parts[2::2], strict=True):
        if unit[0] & 31 in (1, 5):  # a picture
            data += caption if count >= first else b""
            count += 1
        data += code + unit
    path.with_suffix(".h264").write_bytes(data)
    with av.open(str(path.with_suffix(".h264"))) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.time_base, packet.pts, packet.dts, packet.duration = Fraction(1, 25), index, index, 1
            packet.stream = stream
            output.mux(packet)
    return path


def captions(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [
            b"".join(bytes(data) for data in frame.side_data if data.type.name == "A53_CC")  # type: ignore[attr-defined]
            for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("first", [0, 6])
def test_captions_are_carried(tmp_path: Path, suffix: str, first: int) -> None:
    path = with_captions(tmp_path / "tv.mp4", first)
    expected = captions(path)
    assert [bool(caption) for caption in expected] == [index >= first for index in range(10)]
    before, after, _ = rewrite(path, tmp_path / f"out{suffix}")
    assert captions(tmp_path / f"out{suffix}") == expected
    for old, new in zip(before, after, strict=True):
        assert psnr(old.image, new.image) > 38


@pytest.mark.parametrize("first", [0, 6])
@pytest.mark.parametrize(("name", "encoder"), [("out.avi", "mpeg4"), ("out.webm", "libvpx-vp9"), ("out.mkv", "ffv1")])
def test_captions_that_cannot_be_carried_are_named(tmp_path: Path, name: str, encoder: str, first: int) -> None:
    path = with_captions(tmp_path / "tv.mp4", first)
    expected = [f"the closed captions (ATSC A/53), which {encoder} cannot hold"]
    lossless = encoder == "ffv1"
    with VideoReader(path) as reader:
        with VideoWriter(tmp_path / name, info=reader.info, source=path, lossless=lossless) as writer:
            assert writer.left_out == ([] if first else expected), "before the work, where the first frame has them"
            for frame in reader:
                writer.write(frame.image, frame.pts, frame.carried)
            assert writer.left_out == expected
