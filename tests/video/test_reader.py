"""Reading: pictures, timestamps, colours, orientation, and every way in which a file can be no video."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import VideoReader
from tests.video.make import CONTAINERS, MILLI, SHARED, UNEVEN, make_video, picture, psnr


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_frame_with_its_time(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", seconds_of_sound=0.3)
    with VideoReader(path) as reader:
        frames = list(reader)
    info = reader.info
    assert (info.width, info.height, info.rate, info.rotation) == (64, 48, 25, 0)
    assert info.has_audio and not info.has_subtitles
    assert info.frames in (10, None)
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(i, 25) for i in range(10)]
    assert all(frame.time_base == info.time_base for frame in frames)
    for index, frame in enumerate(frames):
        assert frame.image.dtype == np.uint8 and frame.image.shape == (48, 64, 3)
        assert psnr(frame.image, picture(index)) > 38
    assert (reader.broken, reader.retimed, reader.concealed) == (None, 0, 0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_uneven_times_are_exact(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", UNEVEN, time_base=MILLI, rate=15)
    with VideoReader(path) as reader:
        assert [frame.pts * frame.time_base for frame in reader] == [pts * MILLI for pts in UNEVEN]


def test_b_frames_in_an_avi_come_in_order(tmp_path: Path) -> None:
    # AVI has no presentation times; FFmpeg guesses 1, 2, 4, 5, 3, ... for these.
    path = make_video(tmp_path / "clip.avi", range(30), codec="libx264", options={"preset": "medium"})
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [frame.pts for frame in frames] == list(range(30))
    assert all(psnr(frame.image, picture(index)) > 38 for index, frame in enumerate(frames))
    assert reader.retimed == 0


def test_slots_that_an_avi_leaves_empty(tmp_path: Path) -> None:
    with VideoReader(make_video(tmp_path / "clip.avi", (0, 1, 2, 5, 6, 9))) as reader:
        assert [frame.pts for frame in reader] == [0, 1, 2, 5, 6, 9]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("colorspace", [1, 5, 6, 9])
def test_colours_follow_matrix_and_range(tmp_path: Path, colorspace: int, color_range: int, pix_fmt: str) -> None:
    path = make_video(
        tmp_path / "clip.mp4", [0], colorspace=colorspace, color_range=color_range, pix_fmt=pix_fmt, size=(96, 64)
    )
    with VideoReader(path) as reader:
        image = next(iter(reader)).image
    assert (reader.info.colorspace, reader.info.color_range) == (colorspace, color_range)
    difference = image.astype(float) - picture(0, 96, 64)
    assert np.abs(difference.mean((0, 1))).max() < 1.5
    assert psnr(image, picture(0, 96, 64)) > 38


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_are_upright(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    plain = make_video(tmp_path / "plain.mp4", [0])
    turned = make_video(tmp_path / "turned.mp4", [0], rotation=(degrees, mirrored))
    with VideoReader(plain) as reader:
        expected = next(iter(reader)).image
    with VideoReader(turned) as reader:
        image = next(iter(reader)).image
    # PyAV writes a counter-clockwise turn, then a mirror.
    expected = np.rot90(expected, degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    assert image.shape == (reader.info.height, reader.info.width, 3)
    np.testing.assert_array_equal(image, expected)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
        container.mux(stream.encode(None))
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.height) == (48, 64)
        assert reader.info.sample_aspect_ratio == Fraction(3, 4)


def test_a_colon_in_the_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_video(tmp_path / "a:b.mp4")
    monkeypatch.chdir(tmp_path)
    with VideoReader("a:b.mp4") as reader:
        assert len(list(reader)) == 10


def test_a_picture_that_changes_size_ends_the_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream("mjpeg", rate=25, width=64, height=48, time_base=MILLI)
        for index, size in enumerate([(64, 48), (64, 48), (32, 24)]):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height = size
            encoder.pix_fmt, encoder.time_base, encoder.color_range = "yuvj420p", Fraction(1, 25), 2
            for packet in encoder.encode(av.VideoFrame.from_ndarray(picture(0, *size), format="rgb24")):
                packet.stream, packet.time_base = stream, MILLI
                packet.pts = packet.dts = 40 * index
                container.mux(packet)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 2
    assert reader.broken == ("the picture changes size from 64x48 to 32x24; 2 frames could be read, the last at 0.04 s")


def _not_a_video(folder: Path, what: str) -> Path:
    path = folder / f"{what}.mp4"
    if what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    elif what == "text":
        path.write_text("This is a letter, not a video.\n" * 100)
    elif what == "sound":
        path = path.with_suffix(".wav")
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="stereo")
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
    elif what == "frameless":
        path = path.with_suffix(".mkv")
        with av.open(str(path), "w") as container:
            stream = container.add_mux_stream("ffv1", rate=25, width=64, height=48, time_base=MILLI)
            packet = av.Packet(b"\x01 no picture at all" * 9)
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, MILLI, 0, 0
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "no such video; check the path: "),
        ("folder", "got a folder where one video was expected; give the path of a file: "),
        ("empty", "the file is empty (0 bytes), expected a video; copy it again: "),
        (
            "text",
            "not a video that FFmpeg can read (Invalid data found when processing input); convert it to .mp4: ",
        ),
        ("sound", "no video stream in it (got: audio); give a file with moving pictures: "),
        (
            "frameless",
            "no frame can be decoded (the video is damaged (Invalid data found when processing input)); "
            "copy the video again: ",
        ),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, what: str, message: str) -> None:
    path = _not_a_video(tmp_path, what)
    with pytest.raises(VideoError) as caught:
        VideoReader(path)
    assert str(caught.value) == f"{message}{path}"


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48000)
        cover = container.add_stream("mjpeg", rate=1, width=64, height=48)
        cover.pix_fmt, cover.disposition = "yuvj420p", av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        container.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
        container.mux(sound.encode(frame) + sound.encode(None))
    with pytest.raises(VideoError, match="no video in it but a cover picture; give a file with moving pictures"):
        VideoReader(path)


def test_a_reader_leaves_no_file_open(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mkv")
    before = len(os.listdir("/proc/self/fd"))
    with VideoReader(path) as reader:
        next(iter(reader))
    assert len(os.listdir("/proc/self/fd")) == before


# Real files, where this machine has them; without them, nothing is asked.
REAL = [path for path in sorted(SHARED.rglob("*")) if path.suffix in CONTAINERS and path.name != "corrupted.mp4"]


def test_real_files_are_whole() -> None:
    for path in [path for path in REAL if "clips" not in path.parts or "val" in path.parts]:
        with VideoReader(path) as reader:
            pts = [frame.pts for frame in reader]
        assert pts == sorted(set(pts)), path
        assert (reader.broken, reader.retimed, reader.concealed) == (None, 0, 0), path
        assert pts[0] == 0, path
        assert len(pts) == (reader.info.frames or len(pts)), path


def test_real_turned_films_stand_upright() -> None:
    for path in SHARED.glob("edge/rotated_*.mov"):
        with VideoReader(path) as reader:
            assert (reader.info.width, reader.info.height) == (320, 568)
            assert reader.info.rotation == {"rotated_90": -90, "rotated_270": 90}[path.stem]
            image = next(iter(reader)).image
        with av.open(str(path)) as container:
            stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
        upright = np.rot90(stored, reader.info.rotation // 90)
        assert psnr(image, upright) > 25, "apart from FFmpeg's coarser conversion to RGB"
