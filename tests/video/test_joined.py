"""Recordings that were joined or cut, and streams without a container."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import VideoReader
from tests.video.make import MILLI, make_video, noise, overwrite_middle, packets_of, picture, psnr
from tests.video.rewrite import rewrite, times


def recording(
    path: Path, start: int, first: int = 0, frames: int = 25, bf: str = "0", size: tuple[int, int] = (64, 48)
) -> Path:
    """Part of a broadcast: `frames` pictures from number `first` on, from `start` seconds on, with sound."""
    with av.open(str(path), "w", format="mpegts", container_options={"output_ts_offset": str(start)}) as container:
        video = container.add_stream(
            "libx264", 25, {"bf": bf}, width=size[0], height=size[1], time_base=Fraction(1, 25)
        )
        sound = container.add_stream("mp2", rate=48000)
        packets = []
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(first + index, *size), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            packets += video.encode(frame)
        wave = (8000 * np.sin(np.arange(1920 * frames) / 9)).astype(np.int16).repeat(2)
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="stereo")
        tone.sample_rate, tone.pts, tone.time_base = 48000, 0, Fraction(1, 48000)
        packets += video.encode(None) + sound.encode(tone) + sound.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def joined(folder: Path, *starts: int, bf: str = "0") -> Path:
    parts = [recording(folder / f"{index}.ts", start, 25 * index, bf=bf) for index, start in enumerate(starts)]
    path = folder / "tv.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("bf", ["0", "2"])
@pytest.mark.parametrize("starts", [(100, 5), (5, 100), (50, 5, 1000)])
def test_joined_recordings_are_crossed(tmp_path: Path, starts: tuple[int, ...], bf: str) -> None:
    path = joined(tmp_path, *starts, bf=bf)
    before, _, reader = rewrite(path, tmp_path / "out.mkv")
    assert len(before) == 25 * len(starts) and reader.broken is None
    stamps = times(before)
    assert np.allclose(np.diff([float(stamp) for stamp in stamps]), 0.04)
    for index, frame in enumerate(before):
        assert psnr(frame.image, picture(index)) > 30
    with VideoReader(path) as source:
        list(source)
    assert source.concealed == 0
    assert source.seams == [stamps[25 * index] for index in range(1, len(starts))]
    # The sound is moved as the picture is, packet by packet.
    sound = packets_of(tmp_path / "out.mkv", "audio")
    assert [data for _, data in sound] == [data for _, data in packets_of(path, "audio")]
    gaps = np.diff([float(time) for time, _ in sound])
    assert gaps.min() > 0 and gaps.max() < 0.15
    assert abs(float(sound[-1][0] - stamps[-1])) < 0.15


def test_damage_in_a_broadcast_does_not_end_it(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mkv", range(60), draw=noise, options={"g": "12"})
    broadcast = tmp_path / "clip.ts"
    with av.open(str(path)) as source, av.open(str(broadcast), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    with VideoReader(overwrite_middle(broadcast, 3000)) as reader:
        frames = list(reader)
    assert reader.broken is None and len(frames) > 50
    assert reader.concealed > 0


@pytest.mark.parametrize("rate", [Fraction(25, 2), Fraction(30), Fraction(25, 4), Fraction(30000, 1001)])
@pytest.mark.parametrize(
    ("codec", "container"), [("libx264", "h264"), ("libx265", "hevc"), ("mpeg2video", "mpeg2video")]
)
def test_raw_streams_have_their_own_rate(tmp_path: Path, codec: str, container: str, rate: Fraction) -> None:
    if codec == "mpeg2video" and rate.numerator not in (30, 30000):
        pytest.skip("MPEG-2 knows a few rates only")
    path = tmp_path / "cam.bin"
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, width=64, height=64, options={"x265-params": "log-level=none"})
        for index in range(30):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index, 64, 64), format="rgb24")))
        output.mux(stream.encode(None))
    before, after, reader = rewrite(path, tmp_path / "out.mp4")
    assert len(before) == 30
    with VideoReader(path) as source:
        list(source)
    assert (source.info.rate, source.retimed) == (rate, 0)
    assert [abs(a - index / rate) < MILLI for index, a in enumerate(times(after))] == [True] * 30
    assert abs(reader.info.rate / rate - 1) < 1e-3
    with VideoReader(path, rate=Fraction(5)) as source:
        assert [frame.pts * frame.time_base for frame in source] == [Fraction(index, 5) for index in range(30)]


def test_raw_motion_jpeg_takes_the_rate_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "cam.mjpeg"
    with av.open(str(path), "w", format="mjpeg") as output:
        stream = output.add_stream("mjpeg", rate=10, width=64, height=48)
        stream.pix_fmt = "yuvj420p"
        for index in range(5):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
    with VideoReader(path, rate=Fraction(10)) as reader:
        assert [frame.pts * frame.time_base for frame in reader] == [Fraction(index, 10) for index in range(5)]
    assert reader.info.rate == 10


def test_a_rate_is_for_raw_streams(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4")
    with pytest.raises(VideoError) as caught:
        VideoReader(path, rate=Fraction(10))
    assert str(caught.value) == (
        f"got a rate of 10 for a video that states its times (mov,mp4,m4a,3gp,3g2,mj2); leave it out: {path}"
    )


def test_many_b_frames_in_an_avi(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.avi", range(25), codec="libx264", options={"preset": "veryslow", "bf": "16"})
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [frame.pts for frame in frames] == list(range(25)) and reader.retimed == 0
    assert all(psnr(frame.image, picture(index)) > 38 for index, frame in enumerate(frames))


def test_the_rate_of_a_variable_mp4(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", (*range(0, 800, 40), *range(800, 8000, 400)), time_base=MILLI)
    with VideoReader(path) as reader:
        list(reader)
    assert 4 < reader.info.rate < 6
