"""Sizes: pictures of one pixel, of one line, and such as are refused before they take memory."""

import resource
import struct
import time
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.clip import read_clip
from restore.video.image_size import stated_size
from restore.video.images import ImageReader, read_image
from restore.video.limits import PIXELS, SIDE, refuse_large
from restore.video.mask import MaskCheck
from restore.video.reader import VideoReader
from tests.video.make import make_video, picture
from tests.video.rewrite import rewrite

HUGE = 16384
LIMIT = "expected at most 67108864 pixels (8192x8192) and 16384 a side; scale it down first"


def black_png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel: 16384x16384 take 150 kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    lines = zlib.compressobj(1)
    data = b"".join(lines.compress(bytes(1 + (width + 7) // 8)) for _ in range(height)) + lines.flush()
    header = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def video_of(
    path: Path, picture: bytes, size: tuple[int, int], codec: str = "png", pts: Sequence[int] = range(3)
) -> Path:
    """The same coded picture at all times, in a container that states `size`."""
    with av.open(str(path), "w", container_options={"avoid_negative_ts": "disabled"}) as container:
        stream = container.add_mux_stream(codec, Fraction(25), width=size[0], height=size[1])
        stream.time_base = Fraction(1, 25)
        for index in pts:
            packet = av.Packet(picture)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, index, index, 1
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            container.mux(packet)
    return path


def refused(path: Path) -> str:
    """What is said of a file, at once and without memory for its picture."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(VideoError) as caught:
        ImageReader(path) if path.suffix == ".png" else VideoReader(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # kB, of the most memory so far
    assert grown < 20_000, "such a picture takes 32 MB with one bit a pixel, 805 MB as RGB"
    assert time.process_time() - started < 2
    return str(caught.value)


@pytest.fixture(scope="module")
def huge() -> bytes:
    return black_png(HUGE, HUGE)


def test_the_limit() -> None:
    for width, height in [(7680, 4320), (8192, 8192), (SIDE, 4096), (1, SIDE)]:
        refuse_large(width, height, Path("a.mp4"))
    for width, height in [(8193, 8192), (SIDE + 1, 1), (1, SIDE + 1)]:
        with pytest.raises(VideoError) as caught:
            refuse_large(width, height, Path("a.mp4"))
        assert str(caught.value) == f"the picture is {width}x{height}, {LIMIT}: a.mp4"
    assert PIXELS >= 2 * 7680 * 4320


@pytest.mark.parametrize("suffix", [".mov", ".avi"])
def test_a_huge_video(tmp_path: Path, huge: bytes, suffix: str) -> None:
    path = video_of(tmp_path / f"clip{suffix}", huge, (HUGE, HUGE))
    assert refused(path) == f"the picture is {HUGE}x{HUGE}, {LIMIT}: {path}"
    with pytest.raises(VideoError, match=rf"^the picture is {HUGE}x{HUGE}, "):
        read_clip(path, 0, 1)


def test_a_huge_video_that_ffmpeg_would_decode(tmp_path: Path) -> None:
    path = video_of(tmp_path / "clip.mov", black_png(12288, 8192), (12288, 8192))
    assert refused(path) == f"the picture is 12288x8192, {LIMIT}: {path}"


def test_huge_pictures_in_a_container_that_states_small_ones(tmp_path: Path, huge: bytes) -> None:
    path = video_of(tmp_path / "clip.mov", huge, (64, 48))
    message = refused(path)
    assert message.startswith("no frame can be decoded (") and message.endswith(f": {path}")


def test_a_container_that_states_huge_pictures_and_has_small_ones(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4")
    data = path.read_bytes()
    size = struct.pack(">2H", 64, 48)
    entry = data.rindex(b"avc1")
    assert data[entry + 28 : entry + 32] == size
    path.write_bytes(data[: entry + 28] + struct.pack(">2H", HUGE, HUGE) + data[entry + 32 :])
    with VideoReader(path) as reader:  # what is decoded counts
        assert [frame.image.shape for frame in reader] == [(48, 64, 3)] * 10


def test_a_huge_image(tmp_path: Path, huge: bytes) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(huge)
    assert refused(path) == f"the picture is {HUGE}x{HUGE}, {LIMIT}: {path}"
    with pytest.raises(VideoError, match=rf"^the picture is {HUGE}x{HUGE}, "):
        MaskCheck.of(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize(("width", "height"), [(20, 10), (1, 1), (1, 300), (300, 1)])
def test_the_size_that_an_image_states(tmp_path: Path, suffix: str, width: int, height: int) -> None:
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), picture(0, width, height))
    assert stated_size(path.read_bytes()) == (width, height)
    assert read_image(path).shape == (height, width, 3)


def test_images_that_state_no_size() -> None:
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0" * 9, b"BM", b"II*\0\x08\0\0\0", b"GIF89a"):
        assert stated_size(data) is None
    for data in (b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBP", b"II*\0\xff\xff\xff\xff"):
        assert stated_size(data) is None


def test_webp_in_its_other_forms(tmp_path: Path) -> None:
    lossy = cv2.imencode(".webp", picture(0, 20, 10), [cv2.IMWRITE_WEBP_QUALITY, 50])[1].tobytes()
    assert lossy[12:16] == b"VP8 " and stated_size(lossy) == (20, 10)
    extended = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (16383).to_bytes(3, "little") * 2
    assert stated_size(extended) == (16384, 16384)


def test_an_image_of_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(black_png(8, 1).replace(struct.pack(">2I", 8, 1), struct.pack(">2I", 8, 0)))
    with pytest.raises(VideoError, match=r"^not a whole image "):
        read_image(path)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
def test_videos_of_one_column_or_line(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    chroma = "yuv420p" if suffix == ".avi" else "yuv444p"  # x264 holds odd sizes in that
    path = make_video(tmp_path / f"clip{suffix}", range(3), size=size, pix_fmt=chroma)
    for name, lossless in (("again", False), ("lossless", True)):
        output = tmp_path / f"{name}{'.mkv' if lossless else suffix}"
        before, after, _ = rewrite(path, output, lossless=lossless)
        assert [frame.image.shape for frame in after] == [(size[1], size[0], 3)] * 3
        assert not lossless or all(
            np.array_equal(one.image, other.image) for one, other in zip(before, after, strict=True)
        )


def test_a_tiny_video_of_ten_bits(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mkv", range(3), size=(16, 8), codec="ffv1", pix_fmt="yuv420p10le")
    _, after, reader = rewrite(path, tmp_path / "again.mp4")
    assert [frame.image.shape for frame in after] == [(8, 16, 3)] * 3 and reader.info.bits == 10
