"""Writing: timestamps, sound and colours as in the input, and nothing half-written under a final name."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import VideoInfo, VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import (
    CONTAINERS,
    MILLI,
    SHARED,
    UNEVEN,
    make_video,
    noise,
    packets_of,
    picture,
    psnr,
)
from tests.video.rewrite import rewrite, times


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
def test_uneven_times_are_preserved(tmp_path: Path, suffix: str) -> None:
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
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    assert len(before) == 4 and (reader.info.width, reader.info.height) == size
    odd = any(length % 2 for length in size)
    with VideoReader(path) as source, VideoWriter(tmp_path / f"noted{suffix}", info=source.info) as writer:
        more = "one column and one line more" if size == (33, 17) else "one column more"
        lines = [
            f"H.264 holds {size[0]}x{size[1]}, an odd size, with {more}, which the container crops; players that do "
            "not crop display it; .webm holds the size as it is"
        ]
        lines = lines if odd and suffix not in (".avi", ".webm") else []
        assert writer.notes == lines
        writer.write(next(iter(source)).image, 0)
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


@pytest.mark.parametrize(("suffix", "time_base"), [(".mp4", MILLI), (".mkv", MILLI), (".avi", Fraction(1, 25))])
def test_grey_levels_and_codes_are_exact(tmp_path: Path, suffix: str, time_base: Fraction) -> None:
    pts, height = range(len(UNEVEN)) if suffix == ".avi" else UNEVEN, 18 if suffix == ".mp4" else 17
    path = make_video(tmp_path / f"clip{suffix}", pts, time_base=time_base, size=(34, height), codec="mpeg4")
    # Every other picture holds codes, 0 to 3.
    levels = [noise(index, 34, height)[..., 0] // (64 if index % 2 else 1) for index in range(len(UNEVEN))]
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.mkv", info=reader.info, grey=True) as writer:
        for frame, grey in zip(reader, levels, strict=True):
            writer.write(grey, frame.pts)
    with VideoReader(tmp_path / "out.mkv") as again:
        after = list(again)
    assert (again.info.codec, again.info.pix_fmt) == ("ffv1", "gray")
    assert abs(again.info.rate / reader.info.rate - 1) < 1e-3
    assert times(after) == [stamp * time_base for stamp in pts]
    for frame, grey in zip(after, levels, strict=True):
        np.testing.assert_array_equal(frame.image, grey[..., None].repeat(3, -1))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize(("colorspace", "color_range"), [(1, 1), (1, 2), (5, 1), (6, 2), (9, 1), (2, 0)])
def test_colours_are_preserved(tmp_path: Path, suffix: str, colorspace: int, color_range: int) -> None:
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


@pytest.mark.parametrize(("name", "format_name"), [("out.m4v", "mov"), ("OUT.MKV", "matroska"), ("a:b.avi", "avi")])
def test_the_extension_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, format_name: str) -> None:
    make_video(tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    _, _, reader = rewrite(Path("clip.mp4"), Path(name))
    assert reader.info.container.startswith(format_name)


@pytest.mark.parametrize(("suffix", "qualities"), [(".mp4", (10, 40)), (".avi", (1, 20)), (".webm", (10, 60))])
def test_quality(tmp_path: Path, suffix: str, qualities: tuple[int, int]) -> None:
    path = make_video(tmp_path / "clip.mp4", draw=noise)
    sizes = []
    for quality in qualities:
        output = tmp_path / f"q{quality}{suffix}"
        with VideoReader(path) as reader, VideoWriter(output, info=reader.info, quality=quality) as writer:
            for frame in reader:
                writer.write(frame.image, frame.pts)
        sizes.append(output.stat().st_size)
    assert sizes[0] > 2 * sizes[1]


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
    with VideoReader(make_video(tmp_path / "clip.mp4")) as reader:
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


def test_overwriting_replaces_the_old_file_only_at_the_end(tmp_path: Path, clip: VideoReader) -> None:
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
