"""More than 8 bits a colour: read, restored and written at their own depth, with the tags of HDR."""

from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.depth import restored_at_depth, shallow
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video
from tests.video.rewrite import rewrite

PQ, HLG = 16, 18
MASTER = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"


def ramp(index: int, width: int = 256, height: int = 64) -> np.ndarray:
    """A ramp finer than 8 bits, uint16 RGB `H W 3`."""
    x = np.linspace(20_000, 24_000, width) + 40 * index
    return np.repeat(np.repeat(x[None, :, None], height, 0), 3, -1).astype(np.uint16)


def deep_video(
    path: Path,
    codec: str,
    pix_fmt: str,
    trc: int = 2,
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (256, 64),
) -> Path:
    with av.open(str(path), "w") as container:
        quiet = {"x265-params": f"log-level=none:{MASTER}"} if codec == "libx265" else {}
        stream = container.add_stream(codec, 25, quiet | (options or {}), width=size[0], height=size[1])
        stream.pix_fmt = pix_fmt
        context = stream.codec_context
        context.color_trc, context.color_primaries = trc, 9 if trc != 2 else 2
        context.colorspace, context.color_range = (9 if trc != 2 else 1), 1
        for index in range(4):
            frame = av.VideoFrame.from_ndarray(ramp(index, *size), format="rgb48le")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=context.colorspace, dst_color_range=1)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def deep_frames(path: Path) -> list[np.ndarray]:
    with VideoReader(path) as reader:
        return [frame.carried.deep for frame in reader if frame.carried and frame.carried.deep is not None]


CASES = [
    ("hdr.mp4", "libx265", "yuv420p10le", ".mp4", "hevc", "yuv420p10le"),
    ("hdr.mkv", "libx265", "yuv420p12le", ".mkv", "hevc", "yuv420p12le"),
    ("film.mov", "prores_ks", "yuv422p10le", ".mov", "prores", "yuv422p10le"),
    ("film.mov", "prores_ks", "yuv422p10le", ".mp4", "hevc", "yuv420p10le"),
    ("film.mov", "prores_ks", "yuv422p10le", ".mkv", "prores", "yuv422p10le"),
    ("film.mkv", "ffv1", "yuv420p10le", ".mkv", "hevc", "yuv420p10le"),
]


@pytest.mark.parametrize("trc", [2, PQ, HLG])
@pytest.mark.parametrize(("name", "codec", "pix_fmt", "suffix", "written", "written_fmt"), CASES)
def test_the_depth_is_kept(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, suffix: str, written: str, written_fmt: str, trc: int
) -> None:
    path = deep_video(tmp_path / name, codec, pix_fmt, trc)
    before, after, reader = rewrite(path, tmp_path / f"out{suffix}")
    assert (reader.info.codec, reader.info.pix_fmt) == (written, written_fmt)
    assert len(after) == len(before) == 4
    with VideoReader(path) as source:
        old, new = source.info, reader.info
    assert (new.color_trc, new.color_primaries, new.colorspace) == (old.color_trc, old.color_primaries, old.colorspace)
    if codec == written == "libx265" or (codec == "libx265" and written == "hevc"):
        assert len(old.mastering) == 2 and new.mastering == old.mastering
    for deep, expected in zip(deep_frames(tmp_path / f"out{suffix}"), deep_frames(path), strict=True):
        levels = len(np.unique(deep[32, :, 1]))
        assert levels > 32, "of the 16 levels that 8 bits have there"
        assert np.abs(deep.astype(int) - expected).mean() < 150


@pytest.mark.parametrize("trc", [2, PQ])
def test_lossless_is_bit_exact_at_depth(tmp_path: Path, trc: int) -> None:
    path = deep_video(tmp_path / "film.mkv", "ffv1", "yuv420p10le", trc)
    _, _, reader = rewrite(path, tmp_path / "out.mkv", lossless=True)
    assert (reader.info.codec, reader.info.pix_fmt, reader.info.color_trc) == ("ffv1", "gbrp16le", trc)
    for deep, expected in zip(deep_frames(tmp_path / "out.mkv"), deep_frames(path), strict=True):
        np.testing.assert_array_equal(deep, expected)


def test_what_is_restored_is_added_at_depth() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (8, 8, 3), dtype=np.uint16)
    np.testing.assert_array_equal(restored_at_depth(deep, shallow(deep)), deep)
    restored = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.abs(shallow(restored_at_depth(deep, restored)).astype(int) - restored).max() <= 1


@pytest.mark.parametrize(("suffix", "curve"), [(".avi", ""), (".webm", ""), (".avi", " of PQ (HDR)")])
def test_a_depth_that_is_lost_is_named(tmp_path: Path, suffix: str, curve: str) -> None:
    path = deep_video(tmp_path / "film.mkv", "ffv1", "yuv420p10le", PQ if curve else 2)
    with VideoReader(path) as reader:
        with VideoWriter(tmp_path / f"out{suffix}", info=reader.info, source=path) as writer:
            sdr = " of SDR" * bool(curve)
            line = f"10 bits a colour{curve} become 8{sdr} in this container; .mp4, .mov and .mkv hold them"
            assert writer.notes == [line]
            for frame in reader:
                writer.write(frame.image, frame.pts, frame.carried)


def test_plain_video_has_no_second_picture(tmp_path: Path) -> None:
    with VideoReader(make_video(tmp_path / "clip.mp4")) as reader:
        assert reader.info.bits == 8
        assert all(frame.carried and frame.carried.deep is None for frame in reader)
