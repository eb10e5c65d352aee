"""Odd sizes as 4:2:0, which every player decodes: one column or line more, cropped by the container."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.cropping import WHOLE, Cropping
from restore.video.mp4 import set_display_size, stated_cropping
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import CONTAINERS, make_video, picture, psnr
from tests.video.rewrite import rewrite, times
from tests.video.test_depth import PQ, deep_video

SIZES = [(35, 28), (36, 27), (35, 27)]


def decoded(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize("shape", [Fraction(1), Fraction(16, 15)])
@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("size", SIZES)
def test_odd_sizes_come_out_as_420(tmp_path: Path, suffix: str, size: tuple[int, int], shape: Fraction) -> None:
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", 25, width=size[0], height=size[1])
        stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "rgb24", shape
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    info = reader.info
    assert (info.width, info.height, info.pix_fmt, info.sample_aspect_ratio) == (*size, "yuv420p", shape)
    assert times(after) == times(before)
    for index, frame in enumerate(after):
        assert frame.image.shape == (size[1], size[0], 3)
        assert psnr(frame.image, picture(index, *size)) > 36
    coded = decoded(tmp_path / f"out{suffix}")
    if suffix in (".mp4", ".mov", ".mkv"):
        assert (coded.width, coded.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        luma = coded.to_ndarray(format="gray")
        if size[0] % 2:  # the last column is there twice
            assert np.abs(luma[:, -1].astype(int) - luma[:, -2]).mean() < 2
        assert info.cropping == Cropping(right=size[0] % 2, bottom=size[1] % 2)
    else:
        assert (coded.width, coded.height) == size and info.cropping == WHOLE
    if suffix == ".mp4":
        data = (tmp_path / "out.mp4").read_bytes()
        displayed = struct.unpack_from(">2I", data, data.index(b"tkhd") - 4 + 92 - 8)
        assert displayed == (round(size[0] * shape * 65536), size[1] * 65536)


def test_odd_sizes_are_padded_and_not_scaled(tmp_path: Path) -> None:
    stripes = np.broadcast_to(np.uint8(60 + 120 * (np.arange(35) % 2))[:, None], (27, 35, 3))
    path = tmp_path / "clip.mp4"
    info = replace(VideoReader(make_video(tmp_path / "any.mp4")).info, width=35, height=27)
    with VideoWriter(path, info=info) as writer:
        writer.write(np.ascontiguousarray(stripes), 0)
    with VideoReader(path) as reader:
        assert psnr(next(iter(reader)).image, stripes) > 35


def test_deep_pictures_of_odd_size(tmp_path: Path) -> None:
    path = deep_video(tmp_path / "film.mkv", "ffv1", "yuv420p10le", PQ, size=(255, 63))
    _, after, reader = rewrite(path, tmp_path / "out.mp4")
    assert (reader.info.width, reader.info.height, reader.info.pix_fmt) == (255, 63, "yuv420p10le")
    assert after[0].carried and after[0].carried.deep is not None
    assert after[0].carried.deep.shape == (63, 255, 3)
    coded = decoded(tmp_path / "out.mp4")
    assert (coded.width, coded.height) == (256, 64)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_is_written_again_stays_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / "clip.webm", range(5), size=(35, 27), seconds_of_sound=0.2)
    rewrite(path, tmp_path / f"once{suffix}")
    before, after, reader = rewrite(tmp_path / f"once{suffix}", tmp_path / f"twice{suffix}")
    assert reader.info.cropping == Cropping(right=1, bottom=1) and times(after) == times(before)
    with av.open(str(tmp_path / f"twice{suffix}")) as container:
        assert sum(packet.size > 0 for packet in container.demux(audio=0)) > 5


@pytest.mark.parametrize("cropping", [Cropping(2, 3, 4, 5), Cropping(left=1), Cropping(top=1, bottom=2)])
def test_what_any_file_crops(tmp_path: Path, cropping: Cropping) -> None:
    path = make_video(tmp_path / "clip.mov", range(5), size=(64, 48), rotation=(90, False))
    set_display_size(path, Fraction(1), cropping)
    with av.open(str(path)) as container:
        assert stated_cropping(path, container.streams.video[0].id) == cropping
    with VideoReader(path) as reader:
        frame = next(iter(reader))
    with VideoWriter(tmp_path / "out.webm", info=reader.info) as writer:
        crops = cropping.left + cropping.right > 1 or cropping.top + cropping.bottom > 1
        size = f"{reader.info.width}x{reader.info.height}"
        line = f"the input's container crops its pictures to {size}; the rest is not restored"
        assert writer.notes == [line] * crops
        writer.write(frame.image, 0)
    upright = np.rot90(cropping.cropped(picture(0)))
    assert (reader.info.width, reader.info.height) == (upright.shape[1], upright.shape[0])
    assert psnr(frame.image, upright) > 36


@pytest.mark.parametrize("width", [0, 65, 0xFFFFFFFF])
def test_a_rectangle_that_makes_no_sense(tmp_path: Path, width: int) -> None:
    path = make_video(tmp_path / "clip.mp4", range(5))
    set_display_size(path, Fraction(1), Cropping(right=1))
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"clap") + 4, width)
    path.write_bytes(data)
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.cropping) == (64, WHOLE)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("copied", [".mp4", ".mov", ".mkv"])
def test_ffmpeg_reads_the_rectangle_as_it_is_meant(tmp_path: Path, suffix: str, copied: str) -> None:
    """FFmpeg's muxers write what its demuxers have read."""
    path = tmp_path / f"out{suffix}"
    rewrite(make_video(tmp_path / "clip.webm", range(5), size=(35, 27)), path)
    with av.open(str(path)) as source, av.open(str(tmp_path / f"copy{copied}"), "w") as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    with VideoReader(tmp_path / f"copy{copied}") as reader:
        assert reader.info.cropping == Cropping(right=1, bottom=1)
        assert (reader.info.width, reader.info.height, reader.info.sample_aspect_ratio) == (35, 27, 1)
