"""Writing: timestamps, colours, sound and subtitles as in the input, and nothing half-written under a final name."""

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import Frame, VideoInfo, VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import (
    CONTAINERS,
    MILLI,
    SHARED,
    UNEVEN,
    Text,
    cut_in_half,
    make_video,
    noise,
    packets_of,
    picture,
    psnr,
)

TEXTS = (Text(0, 100, "Hallo"), Text(200, 350, "Grüße & mehr"), Text(350, 500, "drei"))


def rewrite(path: Path, output: Path, *, lossless: bool = False) -> tuple[list[Frame], list[Frame], VideoReader]:
    """Read `path`, write it to `output`, and read that: the frames of both, and the second reader."""
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path, lossless=lossless) as writer:
        before = []
        for frame in reader:
            writer.write(frame.image, frame.pts)
            before.append(frame)
    with VideoReader(output) as again:
        after = list(again)
    assert again.broken is None and len(after) == len(before)
    return before, after, again


def times(frames: list[Frame]) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in frames]


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_picture_sound_and_rate(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", range(20), seconds_of_sound=1.5)
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    assert times(after) == times(before)
    assert reader.info.rate == 25
    for a, b in zip(before, after, strict=True):
        assert psnr(a.image, b.image) > 38
    sound = packets_of(path, "audio")
    assert len(sound) > 40
    assert packets_of(tmp_path / f"out{suffix}", "audio") == sound, "longer than the picture, and whole all the same"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_uneven_times_are_kept(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", UNEVEN, time_base=MILLI, rate=15)
    _, after, _ = rewrite(path, tmp_path / f"out{suffix}")
    assert times(after) == [pts * MILLI for pts in UNEVEN]


@pytest.mark.parametrize(
    ("suffix", "pts"),
    [(".mp4", range(50, 60)), (".mkv", range(50, 60)), (".avi", (0, 1, 2, 5, 6, 9)), (".mov", [0]), (".avi", [0])],
)
def test_late_starts_gaps_and_single_frames(tmp_path: Path, suffix: str, pts: list[int]) -> None:
    path = make_video(tmp_path / f"clip{suffix}", pts, seconds_of_sound=1)
    before, after, _ = rewrite(path, tmp_path / f"out{suffix}")
    assert times(before) == times(after) == [Fraction(i, 25) for i in pts]
    assert packets_of(tmp_path / f"out{suffix}", "audio") == packets_of(path, "audio")


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(1_000_000, 33333), Fraction(5)])
@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_any_rate(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    # mjpeg, for MPEG-4 itself cannot count in 1/1000000 s.
    path = make_video(
        tmp_path / f"clip{suffix}", rate=rate, time_base=1 / rate, codec="mjpeg", pix_fmt="yuvj420p", color_range=2
    )
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    assert times(after) == times(before)
    # Matroska stores nanoseconds per frame, and FFmpeg reads them back as a simple fraction.
    assert abs(reader.info.rate / rate - 1) < 1e-4 if suffix == ".mkv" else reader.info.rate == rate


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("size", [(33, 17), (17, 32), (2, 2)])
def test_odd_sizes(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = make_video(tmp_path / "clip.mkv", range(4), size=size, codec="ffv1", pix_fmt="bgr0")
    _, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    assert (reader.info.width, reader.info.height) == size
    assert psnr(after[0].image, picture(0, *size)) > (30 if size == (2, 2) else 36)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_lossless_is_bit_exact(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", range(6), size=(34, 18), draw=noise, seconds_of_sound=0.5)
    before, after, reader = rewrite(path, tmp_path / "out.mkv", lossless=True)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
    assert (reader.info.codec, reader.info.pix_fmt, reader.info.rate) == ("ffv1", "bgr0", 25)
    assert times(after) == times(before)
    old, new = packets_of(path, "audio"), packets_of(tmp_path / "out.mkv", "audio")
    assert [data for _, data in new] == [data for _, data in old]
    assert max(abs(a - b) for (a, _), (b, _) in zip(old, new, strict=True)) <= MILLI / 2, "Matroska counts in ms"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize(("colorspace", "color_range"), [(1, 1), (1, 2), (5, 1), (6, 2), (9, 1), (2, 0)])
def test_colours_are_kept(tmp_path: Path, suffix: str, colorspace: int, color_range: int) -> None:
    path = make_video(tmp_path / "clip.mkv", range(3), colorspace=colorspace, color_range=color_range, size=(96, 64))
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    for a, b in zip(before, after, strict=True):
        assert np.abs((b.image.astype(float) - a.image).mean((0, 1))).max() < 1.5
        assert psnr(a.image, b.image) > 38
    if suffix == ".mp4":
        assert (reader.info.colorspace, reader.info.color_range) == (colorspace, color_range)


def test_rgb_and_grey_sources(tmp_path: Path) -> None:
    for name, codec, pix_fmt in (("rgb", "ffv1", "bgr0"), ("grey", "ffv1", "gray"), ("deep", "libx264", "yuv420p10le")):
        path = make_video(tmp_path / f"{name}.mkv", range(3), codec=codec, pix_fmt=pix_fmt)
        before, after, _ = rewrite(path, tmp_path / f"{name}_out.mp4")
        assert psnr(before[0].image, after[0].image) > 38


def test_upright_frames_are_not_turned_again(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", range(3), rotation=(90, False))
    before, after, reader = rewrite(path, tmp_path / "out.mp4")
    assert (reader.info.width, reader.info.height, reader.info.rotation) == (48, 64, 0)
    assert psnr(before[0].image, after[0].image) > 38


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_subtitles_chapters_and_tags(tmp_path: Path, suffix: str) -> None:
    path = make_video(
        tmp_path / f"clip{suffix}",
        range(20),
        seconds_of_sound=0.8,
        texts=TEXTS,
        title="A walk",
        chapters=("One", "Two"),
    )
    output = tmp_path / f"out{suffix}"
    _, _, reader = rewrite(path, output)
    assert reader.info.has_subtitles
    assert packets_of(output, "subtitle") == packets_of(path, "subtitle")
    assert packets_of(output, "audio") == packets_of(path, "audio")
    with av.open(str(path)) as old, av.open(str(output)) as new:
        assert new.metadata["title"] == "A walk"
        assert [chapter["metadata"] for chapter in new.chapters()] == [{"title": "One"}, {"title": "Two"}]
        assert new.streams.subtitles[0].language == old.streams.subtitles[0].language


def test_attachments_stay_in_matroska(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mkv", texts=TEXTS[:1], attachment=b"a font")
    rewrite(path, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        (attachment,) = (stream for stream in container.streams if stream.type == "attachment")
        assert (attachment.name, attachment.data) == ("font.ttf", b"a font")
    with VideoReader(path) as reader, pytest.raises(VideoError, match="subtitle stream 1"):
        VideoWriter(tmp_path / "out.mp4", info=reader.info, source=path)


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        for _ in range(2):
            container.add_stream("libx264", rate=25, width=64, height=48)
        for stream in container.streams.video:
            frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
            container.mux(stream.encode(frame) + stream.encode(None))
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mkv", info=reader.info, source=path) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
        assert writer.left_out == ["video stream 1 (h264)"]


def test_sound_that_stands_still_is_moved_forward(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=64, height=48)
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        still = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
        container.mux(video.encode(still) + video.encode(None))
        for pts in (0, 20, 20, 40):
            tone = av.AudioFrame.from_ndarray(np.full((1, 160), pts, np.int16), format="s16", layout="mono")
            tone.sample_rate = 8000
            for packet in sound.encode(tone):
                packet.time_base, packet.pts, packet.dts = MILLI, pts, pts
                container.mux(packet)
    rewrite(path, tmp_path / "out.mkv")
    assert packets_of(tmp_path / "out.mkv", "audio") == packets_of(path, "audio"), "Matroska takes two of one time"
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mov", info=reader.info, source=path) as writer:
        for picture_frame in reader:
            writer.write(picture_frame.image, picture_frame.pts)
    assert writer.left_out == ["the exact times of audio stream 1, which do not move forward"]
    sound_of = b"".join(data for _, data in packets_of(tmp_path / "out.mov", "audio"))
    assert sound_of == b"".join(data for _, data in packets_of(path, "audio"))


@pytest.mark.parametrize("sound", ["ac3", "aac", "mp2", "pcm_s16le", "pcm_mulaw", "adpcm_ima_wav", "adpcm_ms"])
def test_any_sound_of_an_avi(tmp_path: Path, sound: str) -> None:
    path = make_video(tmp_path / "clip.avi", range(20), seconds_of_sound=1, sound=sound)
    rewrite(path, tmp_path / "out.avi")
    assert packets_of(tmp_path / "out.avi", "audio") == packets_of(path, "audio")


def test_sound_counted_in_bytes(tmp_path: Path) -> None:
    # As VirtualDub writes constant MP3: a sample is a byte. FFmpeg writes frames; the header is changed by hand.
    path = make_video(tmp_path / "clip.avi", range(20), seconds_of_sound=1)
    size = sum(len(data) for _, data in packets_of(path, "audio"))
    data = bytearray(path.read_bytes())
    stream = data.index(b"strh", data.index(b"strh") + 4) + 8
    wave_format = data.index(b"strf", stream) + 8
    struct.pack_into("<4I", data, stream + 20, 1, 16000, 0, size)
    struct.pack_into("<I", data, stream + 44, 1)
    struct.pack_into("<IH", data, wave_format + 8, 16000, 1)
    path.write_bytes(data)
    rewrite(path, tmp_path / "out.avi")
    with av.open(str(tmp_path / "out.avi")) as container:
        assert container.streams.audio[0].time_base == Fraction(1, 16000)
    assert packets_of(tmp_path / "out.avi", "audio") == packets_of(path, "audio")


def test_sound_of_a_file_that_breaks(tmp_path: Path) -> None:
    whole = make_video(
        tmp_path / "clip.mp4", range(40), draw=noise, seconds_of_sound=1.6, container_options={"movflags": "faststart"}
    )
    half = cut_in_half(whole)
    output = tmp_path / "out.mp4"
    with VideoReader(half) as reader, VideoWriter(output, info=reader.info, source=half) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
    assert reader.broken
    sound = packets_of(output, "audio")
    assert 10 < len(sound) < 60 and sound == packets_of(whole, "audio")[: len(sound)]


def test_without_a_source_there_is_no_sound(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", seconds_of_sound=0.4)
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mp4", info=reader.info) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
    assert packets_of(tmp_path / "out.mp4", "audio") == []
    assert writer.left_out == []


@pytest.mark.parametrize(("name", "format_name"), [("out.m4v", "mov"), ("OUT.MKV", "matroska"), ("a:b.avi", "avi")])
def test_the_extension_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, format_name: str) -> None:
    make_video(tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    _, _, reader = rewrite(Path("clip.mp4"), Path(name))
    assert reader.info.container.startswith(format_name)


def test_another_time_base_and_quality(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", draw=noise)
    sizes = []
    for quality in (10, 40):
        output = tmp_path / f"q{quality}.mp4"
        with VideoReader(path) as reader:
            with VideoWriter(output, info=reader.info, time_base=Fraction(1, 10), quality=quality) as writer:
                for index, frame in enumerate(reader):
                    writer.write(frame.image, index)
        with VideoReader(output) as again:
            assert times(list(again)) == [Fraction(i, 10) for i in range(10)]
        sizes.append(output.stat().st_size)
    assert sizes[0] > 3 * sizes[1]


class Stop(Exception):
    """What happens in the middle of the work."""


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_nothing_is_left_after_an_exception(tmp_path: Path, suffix: str, error: type[BaseException]) -> None:
    path = make_video(tmp_path / f"clip{suffix}", seconds_of_sound=0.4)
    folder = tmp_path / "out"
    folder.mkdir()
    files = len(os.listdir("/proc/self/fd"))

    def work() -> None:
        output = folder / f"out{suffix}"
        with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path) as writer:
            for index, frame in enumerate(reader):
                writer.write(frame.image, frame.pts)
                (hidden,) = os.listdir(folder)
                assert hidden.startswith(".out.") and hidden.endswith(suffix)
                if index == 5:
                    raise error

    with pytest.raises(error):
        work()
    assert os.listdir(folder) == []
    assert len(os.listdir("/proc/self/fd")) == files


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[VideoReader]:
    with VideoReader(make_video(tmp_path / "clip.mp4", texts=TEXTS[:1])) as reader:
        yield reader


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("there.mp4", {}, "the output exists already; move it away, or ask to overwrite it: {}"),
        ("out.txt", {}, "got the extension '.txt', expected one of .avi, .m4v, .mkv, .mov, .mp4, .webm; rename it: {}"),
        ("out.mp4", {"lossless": True}, "got the extension '.mp4' for lossless output, expected '.mkv'; rename it: {}"),
        ("out.mp4", {"quality": 52}, "got quality 52, expected 0 (best) to 51 of libx264: {}"),
        ("out.avi", {"quality": 0}, "got quality 0, expected 1 (best) to 31 of mpeg4: {}"),
        ("no/out.mp4", {}, "no such folder to write to: {0.parent}; create it first: {0}"),
    ],
)
def test_refusals_before_any_work(
    tmp_path: Path, clip: VideoReader, name: str, options: dict[str, int], message: str
) -> None:
    (tmp_path / "there.mp4").write_text("mine")
    before = sorted(tmp_path.iterdir())
    path = tmp_path / name
    with pytest.raises(VideoError) as caught:
        VideoWriter(path, info=clip.info, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message.format(path)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.mp4").read_text() == "mine"


def test_a_folder_that_takes_no_files(clip: VideoReader) -> None:
    # Not a matter of permissions, which do not bind root.
    with pytest.raises(
        VideoError, match=r"the folder cannot be written .*; choose another, or give write permission: /proc/"
    ):
        VideoWriter("/proc/out.mp4", info=clip.info)


def test_streams_that_do_not_fit_are_refused_before_any_work(tmp_path: Path, clip: VideoReader) -> None:
    before = sorted(tmp_path.iterdir())
    output = tmp_path / "out.mkv"
    with pytest.raises(VideoError) as caught:
        VideoWriter(output, info=clip.info, source=clip.path, lossless=True)
    assert str(caught.value) == (
        "subtitle stream 1 (mov_text) cannot be stored in .mkv; "
        f"write to the input's own container, or take that stream out of the input: {output}"
    )
    assert sorted(tmp_path.iterdir()) == before


def test_overwriting_keeps_the_old_file_until_the_end(tmp_path: Path, clip: VideoReader) -> None:
    output = tmp_path / "out.mp4"
    output.write_text("old")
    with VideoWriter(output, info=clip.info, overwrite=True) as writer:
        for frame in clip:
            writer.write(frame.image, frame.pts)
            assert output.read_text() == "old"
    with VideoReader(output) as reader:
        assert len(list(reader)) == 10


def write(output: Path, info: VideoInfo, *frames: tuple[np.ndarray, int], time_base: Fraction = MILLI) -> None:
    with VideoWriter(output, info=info, time_base=time_base) as writer:
        for image, pts in frames:
            writer.write(image, pts)


def test_no_frame_at_all(tmp_path: Path, clip: VideoReader) -> None:
    output = tmp_path / "out.mp4"
    with pytest.raises(VideoError, match=r"no frame was written, expected at least one: .*out\.mp4"):
        write(output, clip.info)
    assert not output.exists()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([(picture(0, 32, 48), 0)], r"got a picture \(48, 32, 3\) uint8, expected \(48, 64, 3\) uint8"),
        ([(picture(0) / 255, 0)], r"got a picture \(48, 64, 3\) float64, expected"),
        ([(picture(0), 5), (picture(1), 5)], "got pts 5 after 5, expected it to move forward"),
    ],
)
def test_frames_that_do_not_fit(
    tmp_path: Path, clip: VideoReader, frames: list[tuple[np.ndarray, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "out.mp4", clip.info, *frames)
    assert not (tmp_path / "out.mp4").exists()


def test_avi_has_a_grid(tmp_path: Path, clip: VideoReader) -> None:
    message = r"a frame at 0\.0500 s is off the grid of 25 frames a second, .*; write \.mkv or \.mp4 instead"
    with pytest.raises(VideoError, match=message):
        write(tmp_path / "out.avi", clip.info, (picture(0), 0), (picture(1), 50))
    assert not (tmp_path / "out.avi").exists()


def test_a_real_film(tmp_path: Path) -> None:
    # XviD with packed B-frames, and MP3.
    for path in SHARED.glob("clips/val/ApplyEyeMakeup/*.avi"):
        before, after, reader = rewrite(path, tmp_path / path.name)
        assert [frame.pts for frame in before] == [frame.pts for frame in after] == list(range(164))
        assert reader.info.frames == 164 and reader.info.rate == 25
        assert packets_of(tmp_path / path.name, "audio") == packets_of(path, "audio")
        assert psnr(before[100].image, after[100].image) > 38
