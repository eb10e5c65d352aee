"""What a container states of the picture: the shape of a pixel, the duration of the last one, the default track."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from restore.video.matroska import display_size
from restore.video.reader import VideoReader
from tests.video.make import CONTAINERS, MILLI, PICTURE, picture
from tests.video.rewrite import rewrite, times


def make_shaped(path: Path, shape: Fraction, last: int = 40) -> Path:
    """Three pictures of 96x72 at 0, 40 and 80 ms with pixels of `shape`; the last is displayed for `last` ms."""
    with av.open(str(path), "w") as container:
        options = {"bf": "0"} if PICTURE[path.suffix] == "libx264" else {}
        stream = container.add_stream(PICTURE[path.suffix], 25, options, width=96, height=72, time_base=MILLI)
        stream.codec_context.sample_aspect_ratio = shape
        stream.codec_context.time_base = MILLI
        packets = []
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(picture(index, 96, 72), format="rgb24")
            frame.pts, frame.time_base = 40 * index, MILLI
            packets += stream.encode(frame)
        for packet in packets + stream.encode(None):
            packet.duration = 40 if packet.pts < 80 else last
            container.mux(packet)
    return path


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("shape", [Fraction(16, 15), Fraction(8, 9), Fraction(64, 45), Fraction(3)])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_the_shape_of_a_pixel(tmp_path: Path, suffix: str, shape: Fraction, lossless: bool) -> None:
    path = tmp_path / "clip.mov"
    make_shaped(path, shape)
    output = tmp_path / f"out{'.mkv' if lossless else suffix}"
    _, after, reader = rewrite(path, output, lossless=lossless)
    assert reader.info.sample_aspect_ratio == shape
    assert times(after) == [0, Fraction(1, 25), Fraction(2, 25)]
    if output.suffix in (".mkv", ".webm"):  # stated by the container, not only by the codec's own headers
        with av.open(str(output), options={"probesize": "32"}) as container:
            assert container.streams.video[0].sample_aspect_ratio == shape
        with av.open(str(output)) as container:  # the index is still found
            container.seek(80_000)
            assert next(container.decode(video=0)).pts == 0
    if suffix == ".mp4" and not lossless:
        data = output.read_bytes()
        width, height = struct.unpack_from(">2I", data, data.index(b"tkhd") - 4 + 92 - 8)
        assert (width, height) == (round(96 * shape * 65536), 72 * 65536)


@pytest.mark.parametrize("shape", [Fraction(16, 15), Fraction(1, 3), Fraction(4, 3), Fraction(110, 113)])
def test_a_display_size_has_exactly_the_shape(shape: Fraction) -> None:
    for width, height in ((720, 576), (96, 72), (1, 1), (1919, 1079)):
        displayed = display_size(width, height, shape)
        assert Fraction(*displayed) == shape * width / height


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_last_picture_lasts_as_long(tmp_path: Path, suffix: str, lossless: bool) -> None:
    path = make_shaped(tmp_path / f"clip{suffix}", Fraction(1), last=3000)
    output = tmp_path / f"out{'.mkv' if lossless else suffix}"
    rewrite(path, output, lossless=lossless)
    for file in (path, output):
        with av.open(str(file)) as container:
            assert abs(container.duration / av.time_base - 3.08) < 0.002
        with VideoReader(file) as reader:
            frames = list(reader)
        durations = [frame.carried.duration * frame.time_base for frame in frames if frame.carried]
        assert np.allclose([float(duration) for duration in durations], [0.04, 0.04, 3], atol=0.002)


@pytest.mark.parametrize("default", [Disposition(0), Disposition.default])
@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_default_flags(tmp_path: Path, suffix: str, default: Disposition) -> None:
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w", container_options={"default_mode": "passthrough"}) as container:
        video = container.add_stream(PICTURE[suffix], rate=25, width=64, height=48)
        sounds = [container.add_stream("libopus", rate=48000, layout="mono") for _ in range(2)]
        video.disposition, sounds[0].disposition, sounds[1].disposition = default, Disposition(0), Disposition.default
        frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
        tone.sample_rate = 48000
        packets = video.encode(frame) + video.encode(None)
        for sound in sounds:
            packets += sound.encode(tone) + sound.encode(None)
        container.mux(packets)
    rewrite(path, tmp_path / f"out{suffix}")
    for file in (path, tmp_path / f"out{suffix}"):
        with av.open(str(file)) as container:
            flags = [stream.disposition & Disposition.default for stream in container.streams]
        assert flags == [default, Disposition(0), Disposition.default]
