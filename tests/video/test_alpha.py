"""Transparency: passes through where the output holds it, else it is named as left out, and promised by no tag."""

from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.alpha import alpha_of, put_alpha
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video, picture, psnr
from tests.video.rewrite import rewrite, times

LINE = "the transparency (alpha channel): the picture is opaque"


def eight_bits(alpha: np.ndarray) -> np.ndarray:
    return ((alpha.astype(np.uint32) + 128) // 257).astype(np.uint8)


def transparent(path: Path, codec: str, pix_fmt: str, opaque: int | np.ndarray = 0, drop: tuple[int, ...] = ()) -> Path:
    """Ten pictures whose right half has the alpha `opaque`; those in `drop` are left out."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48)
        stream.pix_fmt = pix_fmt
        if path.suffix == ".webm":
            stream.metadata["alpha_mode"] = "1"
        for index in range(10):
            if index in drop:
                continue
            alpha = np.full((48, 64), 255, np.uint8)
            alpha[:, 32:] = opaque
            frame = av.VideoFrame.from_ndarray(np.dstack([picture(index), alpha]), format="rgba")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


LEVELS = np.arange(256, dtype=np.uint8).repeat(12).reshape(48, 64)  # every level of 8 bits

HELD = [
    ("logo.mov", "qtrle", "argb", False, "qtrle", "argb"),
    ("logo.mov", "png", "rgba", False, "png", "rgba"),
    ("logo.mov", "png", "rgba64be", False, "png", "rgba64be"),
    ("logo.mov", "prores_ks", "yuva444p10le", False, "prores", "yuva444p12le"),
    ("logo.mov", "rawvideo", "argb", False, "prores", "yuva444p12le"),
    ("logo.mkv", "prores_ks", "yuva444p10le", False, "prores", "yuva444p12le"),
    ("logo.mkv", "ffv1", "bgra", True, "ffv1", "bgra"),
    ("logo.mkv", "ffv1", "gbrap16le", True, "ffv1", "gbrap16le"),
    ("logo.mov", "qtrle", "argb", True, "ffv1", "bgra"),
]


@pytest.mark.parametrize(("name", "codec", "pix_fmt", "lossless", "written", "written_fmt"), HELD)
def test_transparency_passes_through(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, lossless: bool, written: str, written_fmt: str
) -> None:
    path = transparent(tmp_path / name, codec, pix_fmt, opaque=LEVELS[:, 32:])
    output = tmp_path / f"out{'.mkv' if lossless else path.suffix}"
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path, lossless=lossless) as writer:
        assert reader.info.alpha and writer.left_out == []
        before = []
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
            before.append(frame)
    with VideoReader(output) as after:
        assert (after.info.codec, after.info.pix_fmt) == (written, written_fmt)
        for old, new in zip(before, after, strict=True):
            assert old.carried and new.carried
            assert old.carried.alpha is not None and new.carried.alpha is not None
            if written == "prores":  # which FFmpeg encodes from 10 bits: 8 of them come back
                assert np.array_equal(eight_bits(new.carried.alpha), eight_bits(old.carried.alpha))
            else:
                assert np.array_equal(new.carried.alpha, old.carried.alpha)
            assert len(np.unique(eight_bits(new.carried.alpha))) > 100
            opaque = new.carried.alpha > 65000
            assert opaque[:, :32].all() and psnr(new.image[opaque], old.image[opaque]) > 35


@pytest.mark.parametrize("level", [0, 1, 127, 128, 254, 255])
@pytest.mark.parametrize(
    "pix_fmt", ["yuva444p10le", "yuva420p", "gbrap16le", "argb", "rgba", "bgra", "rgba64be", "ya8"]
)
def test_levels_are_exact(pix_fmt: str, level: int) -> None:
    frame = av.VideoFrame.from_ndarray(picture(0, 30, 20), format="rgb24").reformat(format=pix_fmt)
    alpha = np.full((20, 30), level * 257, np.uint16)
    alpha[:, 7] = 65535
    if pix_fmt != "ya8":
        put_alpha(frame, alpha)
        assert np.array_equal(eight_bits(alpha_of(frame)), eight_bits(alpha))
    opaque = alpha_of(av.VideoFrame.from_ndarray(picture(0, 30, 20), format="rgb24").reformat(format=pix_fmt))
    assert opaque.min() == 65535


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "suffix"),
    [
        ("logo.mov", "qtrle", "argb", ".mp4"),
        ("logo.mov", "prores_ks", "yuva444p10le", ".mp4"),
        ("logo.mkv", "ffv1", "bgra", ".mkv"),
        ("logo.webm", "libvpx-vp9", "yuva420p", ".webm"),
        ("logo.webm", "libvpx-vp9", "yuva420p", ".mov"),
    ],
)
def test_transparency_is_named(tmp_path: Path, name: str, codec: str, pix_fmt: str, suffix: str) -> None:
    path = transparent(tmp_path / name, codec, pix_fmt)
    output = tmp_path / f"out{suffix}"
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path) as writer:
        assert reader.info.alpha and writer.left_out == [LINE]
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
    with VideoReader(output) as after:
        assert not after.info.alpha


def test_what_is_opaque_is_not_named(tmp_path: Path) -> None:
    for path in (make_video(tmp_path / "a.mp4"), transparent(tmp_path / "a.gif", "gif", "rgb8", opaque=255)):
        with VideoReader(path) as reader:
            assert not reader.info.alpha


def test_frames_left_out_of_a_transparent_webm_are_no_damage(tmp_path: Path) -> None:
    path = transparent(tmp_path / "clip.webm", "libvpx-vp9", "yuva420p", opaque=128, drop=(3, 4, 7))
    before, after, reader = rewrite(path, tmp_path / "out.webm")
    assert len(before) == 7 and reader.broken is None
    assert times(after) == times(before)
