"""Recordings that were joined or cut, and streams without a container."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import inference
from restore.errors import VideoError
from restore.video.fields import field_order
from restore.video.reader import VideoReader
from tests.video.make import MILLI, make_video, noise, overwrite_middle, packets_of, picture, psnr
from tests.video.rewrite import rewrite, times
from tests.video.test_fields import make_interlaced


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


SIZES = [(64, 48), (96, 64), (64, 48)]


def resized(folder: Path, *starts: int) -> tuple[Path, list[Path]]:
    """Recordings of `SIZES` in one file, and each alone."""
    parts = [
        recording(folder / f"{index}.ts", start, 100 * index, size=size)
        for index, (start, size) in enumerate(zip(starts, SIZES, strict=False))
    ]
    path = folder / "in" / "tv.ts"
    path.parent.mkdir()
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, parts


# A clock that goes on, one that starts anew, one that leaps.
@pytest.mark.parametrize("starts", [(3, 4, 7), (9, 5, 3), (5, 500, 6)])
def test_each_size_gets_an_output_of_its_own(tmp_path: Path, tiny_weights: Path, starts: tuple[int, ...]) -> None:
    path, parts = resized(tmp_path, *starts)
    out = tmp_path / "out"
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--write_mask"]
    with pytest.warns(
        UserWarning, match="^the picture changes its size after 25 frames, and what follows is a part of"
    ):
        assert inference.main(list(map(str, command))) == 0
    for index, (part, size) in enumerate(zip(parts, SIZES, strict=True)):
        suffix = f".part{index + 1}" if index else ""
        restored = out / f"tv_restored{suffix}.mkv"
        report = json.loads((out / f"tv_restored{suffix}.json").read_text())
        assert (report["part"], report["next_part"]) == (index, index + 1 if index < 2 else None)
        assert (report["frames"], report["broken"], report["output"]) == (25, None, restored.name)
        assert (report["width"], report["height"]) == size
        with VideoReader(restored) as reader:
            frames = list(reader)
        assert len(frames) == 25 and (reader.info.width, reader.info.height) == size
        stamps = [float(frame.pts * frame.time_base) for frame in frames]
        assert np.allclose(np.diff(stamps), 0.04) and (index == 0 or stamps[0] == 0)
        # Each has the sound of its time, to within a packet.
        sound, own = packets_of(restored, "audio"), packets_of(part, "audio")
        assert abs(len(sound) - len(own)) <= 2
        assert {data for _, data in sound} <= {data for one in parts for _, data in packets_of(one, "audio")}
        assert abs(float(sound[0][0]) - stamps[0]) < 0.1 and abs(float(sound[-1][0]) - stamps[-1]) < 0.15
        with VideoReader(out / f"tv_mask{suffix}.mkv") as mask:
            assert len(list(mask)) == 25
    assert sum(len(packets_of(one, "audio")) for one in out.glob("tv_restored*.mkv")) == sum(
        len(packets_of(part, "audio")) for part in parts
    )


def test_the_parts_of_a_folder_are_done_together(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = resized(tmp_path, 5, 5)
    command = ["--degraded_video", path.parent, "--weights_path", tiny_weights, "--output_dir", path.parent]
    command += ["--mask_mode", "none", "--write_mask", "--container", "mp4"]
    for words in (["tv_restored.mp4: 25", "tv_restored.part2.mp4: 25"], ["restored before"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert inference.main(list(map(str, command))) == 0
        said = capsys.readouterr().out
        assert [word in said for word in words] == [True] * len(words)
        assert len(list(path.parent.iterdir())) == 1 + 2 * 3
    (path.parent / "tv_restored.part2.json").unlink()  # as of a run that was interrupted
    (path.parent / "tv_restored.part2.mp4").unlink()
    (path.parent / "tv_mask.part2.mkv").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert inference.main(list(map(str, command))) == 0
    assert len(list(path.parent.iterdir())) == 1 + 2 * 3


def test_a_mask_ends_where_the_size_changes(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = resized(tmp_path, 0, 2)
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.zeros((48, 64), np.uint8))
    out = tmp_path / "out"
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--mask_video", mask]
    with pytest.warns(UserWarning, match="hides nothing"):
        assert inference.main(list(map(str, command))) == 1
    broken = "the picture changes size from 64x48 to 96x64; 25 frames could be read, the last at 0.97 s"
    kept = f"the 25 frames before are restored and kept in {out / 'tv_restored.mkv'}"
    assert capsys.readouterr().err.endswith(f"inference.py: {broken}; {kept}: {path}\n")
    report = json.loads((out / "tv_restored.json").read_text())
    assert (report["broken"], report["frames"], report["next_part"]) == (broken, 25, None)
    sound = packets_of(out / "tv_restored.mkv", "audio")
    assert float(sound[-1][0]) < 1.1  # it does not run on past the picture


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no frame can be decoded"):
        VideoReader(make_video(tmp_path / "clip.mp4"), part=1)


def test_the_order_of_fields_is_that_of_the_part(tmp_path: Path) -> None:
    path = tmp_path / "tv.ts"
    parts = [recording(tmp_path / "a.ts", 5, frames=10), recording(tmp_path / "b.ts", 5, frames=10, size=(96, 64))]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert field_order(path) is None and field_order(path, 1) is None  # frames of two sizes are not compared


def test_fields_are_restored_in_the_part_that_has_them(tmp_path: Path, tiny_weights: Path) -> None:
    progressive = recording(tmp_path / "a.ts", 5, frames=10)
    interlaced = make_interlaced(tmp_path / "b.ts", "libx264", top_first=False)
    path, out = tmp_path / "tv.ts", tmp_path / "out"
    path.write_bytes(progressive.read_bytes() + interlaced.read_bytes())
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--mask_mode", "none"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert inference.main(list(map(str, command))) == 0
    reports = [json.loads((out / f"tv_restored{part}.json").read_text()) for part in ("", ".part2")]
    assert [report["interlaced"] for report in reports] == [None, "bottom field first"]
    assert [report["frames"] for report in reports] == [10, 12]
