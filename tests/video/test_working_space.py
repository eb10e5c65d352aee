"""PQ is restored with a tone curve: the models see what they know, and nothing is clipped."""

from pathlib import Path

import numpy as np
import pytest

from restore.inference.side_by_side import side_by_side_info
from restore.video.depth import shallow
from restore.video.reader import VideoReader
from restore.video.working_space import PQ, WorkingSpace
from restore.video.writer import VideoWriter
from tests.video.make import make_video
from tests.video.test_depth import HLG, deep_frames, deep_video

CODES = np.arange(65536).astype(np.uint16)
# SMPTE ST 2084: luminance in cd/m2 => code; ITU-R BT.2408 has diffuse white at 58 %.
POINTS = {0: 0.0, 1: 0.1499, 100: 0.5081, 203: 0.5807, 1000: 0.7518, 10_000: 1.0}


def toned(luminance: float) -> float:
    e, most = luminance / 203, 10_000 / 203
    return float((e * (1 + e / most**2) / (1 + e)) ** (1 / 2.4))


@pytest.mark.parametrize("luminance", POINTS)
def test_the_curve(luminance: int) -> None:
    code = np.array([round(POINTS[luminance] * 65535)], np.uint16)
    (level,) = WorkingSpace(PQ).to_models(code)
    assert abs(level - 255 * toned(luminance)) <= 1
    if luminance == 203:
        assert level == round(0.749 * 255)


def test_what_is_not_changed_is_exact() -> None:
    space = WorkingSpace(PQ)
    assert np.array_equal(space.to_video(space.to_models(CODES), CODES), CODES)
    levels = np.arange(256).astype(np.uint8)
    assert np.array_equal(space.to_models(space.to_video(levels)), levels)


def test_nothing_is_clipped_and_order_stays() -> None:
    space = WorkingSpace(PQ)
    levels = space.to_models(CODES).astype(int)
    assert (np.diff(levels) >= 0).all() and (levels[0], levels[-1]) == (0, 255)
    codes = space.to_video(np.arange(256).astype(np.uint8)).astype(int)
    assert (np.diff(codes) > 0).all() and (codes[0], codes[-1]) == (0, 65535)


def test_changes_are_those_of_the_working_space() -> None:
    space = WorkingSpace(PQ)
    deep = np.array([2000, 20_000, 38_000, 50_000], np.uint16)
    brighter = space.to_models(deep) + np.uint8(5)
    changed = space.to_video(brighter, deep)
    assert np.array_equal(space.to_models(changed), brighter)
    assert (changed > deep).all()


@pytest.mark.parametrize("transfer", [2, HLG])
def test_other_transfers_are_restored_in_their_codes(transfer: int) -> None:
    assert np.array_equal(WorkingSpace(transfer).to_models(CODES), shallow(CODES))


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv420p"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_from_file_to_file(tmp_path: Path, suffix: str, pix_fmt: str) -> None:
    """The models see the curve, and a change of theirs comes out as PQ, also where 8 bits are written."""
    path = deep_video(tmp_path / "film.mkv", "ffv1", pix_fmt, PQ)
    space = WorkingSpace(PQ)
    with (
        VideoReader(path) as reader,
        VideoWriter(tmp_path / f"out{suffix}", info=reader.info, source=path, lossless=False) as writer,
    ):
        expected = []
        for frame in reader:
            assert frame.carried and frame.carried.deep is not None
            assert np.array_equal(frame.image, space.to_models(frame.carried.deep))
            assert np.abs(frame.image.astype(int) - shallow(frame.carried.deep)).mean() > 1
            restored = frame.image + np.uint8(20)
            writer.write(restored, frame.pts, frame.carried)
            expected.append(restored)
    with VideoReader(tmp_path / f"out{suffix}") as after:
        assert after.info.color_trc == PQ
        for frame, restored in zip(after, expected, strict=True):
            assert np.abs(frame.image.astype(int) - restored).mean() < 2


def test_avi_is_sdr(tmp_path: Path) -> None:
    """An AVI states no curve: the picture is written as players take it."""
    path = deep_video(tmp_path / "film.mkv", "ffv1", "yuv420p10le", PQ)
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.avi", info=reader.info, source=path) as writer:
        assert "the transfer 16 (of H.273), which AVI cannot state" in writer.left_out
        pictures = []
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
            pictures.append(frame.image)
    with VideoReader(tmp_path / "out.avi") as after:
        for frame, picture in zip(after, pictures, strict=True):
            assert np.abs(frame.image.astype(int) - picture).mean() < 2


def test_a_comparison_is_sdr(tmp_path: Path) -> None:
    for transfer in (PQ, HLG):
        with VideoReader(deep_video(tmp_path / f"{transfer}.mkv", "ffv1", "yuv420p10le", transfer)) as reader:
            assert side_by_side_info(reader.info, with_original=False).color_trc == 1
    with VideoReader(make_video(tmp_path / "clip.mp4")) as reader:
        assert side_by_side_info(reader.info, with_original=False).color_trc == reader.info.color_trc


def test_lossless_of_what_is_restored_at_depth(tmp_path: Path) -> None:
    path = deep_video(tmp_path / "film.mkv", "ffv1", "yuv420p10le", PQ)
    with (
        VideoReader(path) as reader,
        VideoWriter(tmp_path / "out.mkv", info=reader.info, source=path, lossless=True) as writer,
    ):
        for frame in reader:
            restored = frame.image.copy()
            restored[:, :128] -= 9
            writer.write(restored, frame.pts, frame.carried)
    for new, old in zip(deep_frames(tmp_path / "out.mkv"), deep_frames(path), strict=True):
        assert np.array_equal(new[:, 128:], old[:, 128:]) and (new[:, :128] < old[:, :128]).all()
