"""Degrading a file: the mask tells the truth, boxes go on from chunk to chunk, everything else goes along."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import restore.degrade_file
from restore.__main__ import main
from restore.degradations.degrade import Range, Ranges
from restore.degrade_file import degrade_file, mask_path
from restore.errors import RestoreError
from restore.kinds import ALONE, BOX_MOTIONS
from restore.video.reader import VideoReader
from tests.video.make import MILLI, UNEVEN, cut_in_half, make_video, noise, packets_of, picture

NONE = Range(0, 0, 0)
BOXES_ONLY = Ranges(blur=NONE, noise=NONE, box_level=Range(255, 255, 255))


def read(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack([frame.image for frame in reader])


def dark(index: int, width: int, height: int) -> np.ndarray:
    """A picture that no box looks like."""
    return picture(index, width, height) // 2


def lossless_clip(path: Path, frames: int = 10, size: tuple[int, int] = (64, 48)) -> Path:
    return make_video(path, range(frames), size=size, draw=dark, codec="ffv1", pix_fmt="bgr0")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four frames at a time, so that a short clip has several chunks."""
    monkeypatch.setattr(restore.degrade_file, "PIXELS", 4 * 64 * 48)


@pytest.mark.parametrize("kind", ALONE)
def test_one_degradation_alone_hides_nothing_and_the_seed_decides(tmp_path: Path, kind: str) -> None:
    clean = lossless_clip(tmp_path / "clean.mkv")
    for name in ("bad", "again"):
        assert main(["degrade", str(clean), str(tmp_path / f"{name}.mkv"), "--kind", kind, "--lossless"]) == 0
    assert not read(tmp_path / "bad_mask.mkv").any()
    bad = read(tmp_path / "bad.mkv")
    assert np.array_equal(bad, read(tmp_path / "again.mkv"))
    error = np.abs(bad.astype(int) - read(clean)).mean((1, 2, 3))
    assert len(error) == 10 and (error > 0).all()  # every frame, whatever its chunk


@pytest.mark.parametrize("kind", BOX_MOTIONS)
def test_the_mask_marks_what_differs(tmp_path: Path, kind: str) -> None:
    clean = lossless_clip(tmp_path / "clean.mkv")
    mask = degrade_file(clean, tmp_path / "bad.mkv", kind=kind, lossless=True, ranges=BOXES_ONLY)
    assert mask == tmp_path / "bad_mask.mkv" == mask_path(tmp_path / "bad.mkv")
    marked = read(mask)
    assert set(np.unique(marked)) <= {0, 255} and (marked == marked[..., :1]).all()
    differs = (read(tmp_path / "bad.mkv") != read(clean)).any(-1)
    assert np.array_equal(marked[..., 0] == 255, differs)
    assert differs.any() == (kind != "none")


def test_boxes_go_on_from_chunk_to_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = lossless_clip(tmp_path / "clean.mkv", 30)
    masks = {kind: read(degrade_file(clean, tmp_path / f"{kind}.mkv", kind=kind, seed=3)) for kind in BOX_MOTIONS}
    assert (masks["static"] == masks["static"][0]).all() and (masks["heavy"] == masks["heavy"][0]).all()
    # No two frames of the others are alike, those of different chunks included.
    assert len({frame.tobytes() for frame in masks["random"]}) == 30
    steps = [(a != b).mean() for a, b in zip(masks["moving"], masks["moving"][1:], strict=False)]
    assert min(steps) > 0 and max(steps) < 0.5
    # The chunks make no difference.
    monkeypatch.setattr(restore.degrade_file, "PIXELS", 10**6)
    for kind in ("static", "moving", "heavy"):
        at_once = read(degrade_file(clean, tmp_path / f"{kind}_at_once.mkv", kind=kind, seed=3))
        assert np.array_equal(at_once, masks[kind])


def test_obstructions_in_place_of_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean, kinds = lossless_clip(tmp_path / "clean.mkv"), ["leaves", "text"]
    settings = {"obstructions": kinds, "seed": 3, "lossless": True, "ranges": BOXES_ONLY}
    marked = read(degrade_file(clean, tmp_path / "bad.mkv", **settings))
    assert set(np.unique(marked)) == {0, 255}
    differs = np.abs(read(tmp_path / "bad.mkv").astype(int) - read(clean)).max(-1)
    hidden = marked[..., 0] == 255
    assert 0.01 < hidden.mean() < 0.5
    assert differs[hidden].mean() > 20 and np.median(differs[~hidden]) == 0
    # The leaves sway on from chunk to chunk; the chunks make no difference.
    assert (marked[1:] != marked[:-1]).any((1, 2, 3)).all()
    monkeypatch.setattr(restore.degrade_file, "PIXELS", 10**6)
    degrade_file(clean, tmp_path / "at_once.mkv", **settings)
    at_once = read(tmp_path / "at_once.mkv").astype(int)
    assert np.abs(at_once - read(tmp_path / "bad.mkv")).max() <= 1


def test_seeded(tmp_path: Path) -> None:
    clean = lossless_clip(tmp_path / "clean.mkv")
    for name, seed in (("first.mkv", 1), ("again.mkv", 1), ("other.mkv", 2)):
        degrade_file(clean, tmp_path / name, seed=seed, lossless=True)
    assert np.array_equal(read(tmp_path / "first.mkv"), read(tmp_path / "again.mkv"))
    assert not np.array_equal(read(tmp_path / "first.mkv"), read(tmp_path / "other.mkv"))


def test_typical_strengths(tmp_path: Path) -> None:
    """Noise of 15 levels, drawn anew for every frame of every chunk."""
    flat = make_video(
        tmp_path / "flat.mkv",
        range(9),
        draw=lambda _, w, h: np.full((h, w, 3), 60, np.uint8),
        codec="ffv1",
        pix_fmt="bgr0",
    )
    degrade_file(flat, tmp_path / "bad.mkv", kind="none", lossless=True)
    noises = read(tmp_path / "bad.mkv").astype(float) - 60
    assert noises.std() == pytest.approx(15, rel=0.02)
    correlation = np.corrcoef(noises.reshape(9, -1))
    assert np.abs(correlation - np.eye(9)).max() < 0.1


def test_times_and_sound_go_along(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mkv", UNEVEN, time_base=MILLI, seconds_of_sound=0.4)
    mask = degrade_file(video, tmp_path / "bad.mkv")
    for path in (tmp_path / "bad.mkv", mask):
        with VideoReader(path) as reader:
            assert [frame.pts * frame.time_base for frame in reader] == [Fraction(ms, 1000) for ms in UNEVEN]
    assert packets_of(tmp_path / "bad.mkv", "audio") == packets_of(video, "audio") != []


def test_a_video_that_breaks_half_way(tmp_path: Path) -> None:
    video = cut_in_half(make_video(tmp_path / "clip.avi", range(30), draw=noise))
    with pytest.raises(RestoreError, match=r"cut short by .*; the .* frames before are degraded and kept") as caught:
        degrade_file(video, tmp_path / "bad.mkv")
    assert caught.value.exit_code == 1
    assert 5 < len(read(tmp_path / "bad.mkv")) == len(read(tmp_path / "bad_mask.mkv")) < 25


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, bad = make_video(tmp_path / "clip.avi"), tmp_path / "bad.mkv"
    assert main(["degrade", str(video), str(bad), "--kind", "heavy", "--seed", "7", "--lossless"]) == 0
    assert capsys.readouterr().out == f"{bad}: degraded; {tmp_path}/bad_mask.mkv: its mask, white where hidden\n"
    with VideoReader(bad) as reader:
        assert reader.info.codec == "ffv1"
    assert len(read(tmp_path / "bad_mask.mkv")) == 10


def test_obstructions_by_command(tmp_path: Path) -> None:
    video, bad = make_video(tmp_path / "clip.avi"), tmp_path / "bad.avi"
    assert main(["degrade", str(video), str(bad), "--obstructions", "dirt,flare"]) == 0
    assert 0 < (read(tmp_path / "bad_mask.mkv") == 255).mean() < 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{at}/no.avi", "{at}/bad.avi"], "no such video; check the path: {at}/no.avi"),
        (
            ["{at}/clip.mp4", "{at}/clip.mp4"],
            "the output exists already; move it away, or ask to overwrite it: {at}/clip.mp4",
        ),
        (["{at}/clip.mp4", "{at}/no/bad.mp4"], "no such folder to write to: {at}/no; create it first: {at}/no/bad.mp4"),
        (
            ["{at}/clip.mp4", "{at}/bad.mp4", "--lossless"],
            "got the extension '.mp4' for lossless output, expected '.mkv'; rename it: {at}/bad.mp4",
        ),
        (["{at}/clip.mp4"], "the following arguments are required: OUT; --help lists all"),
        (
            ["a", "b", "--obstructions", "leafs,dirt"],
            "--obstructions: unknown obstruction 'leafs', expected some of leaves, boxes, dirt, drops, flare, "
            "scratches, text; --help lists all",
        ),
        (
            ["a", "b", "--kind", "static", "--obstructions", "dirt"],
            "--obstructions: not allowed with argument --kind; --help lists all",
        ),
        (["a", "b", "--kind", "round"], "--kind: invalid choice: 'round' (choose from {kinds}); --help lists all"),
    ],
)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    make_video(tmp_path / "clip.mp4")
    assert main(["degrade", *(argument.format(at=tmp_path) for argument in arguments)]) == 2
    kinds = ", ".join(map(repr, BOX_MOTIONS + ALONE))
    assert capsys.readouterr().err == f"restore: {message.format(at=tmp_path, kinds=kinds)}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
