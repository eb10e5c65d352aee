"""The command with masks and what goes with a video: folders, what stands there already, what cannot be meant."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.inference.command import SUMMARY, Command, left_in, quarter, two
from tests.inference.test_masks import H, W, images, read
from tests.video.make import cut_in_half, make_video, noise


def test_the_commands_files(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.avi", seconds_of_sound=0.4)
    sidecars = {"write_mask": True, "provenance": True, "confidence": True, "side_by_side": True}
    names = [
        "clip_mask.mkv",
        "clip_suspects.mkv",
        "clip_provenance.mkv",
        "clip_confidence.mkv",
        "clip_side_by_side.mp4",
    ]
    assert run(degraded_video=video, **sidecars) == 0
    assert left_in(out) == sorted([*names, "clip_restored.avi", "clip_restored.json"])
    report = json.loads((out / "clip_restored.json").read_text())
    assert report["side_files"] == names
    assert report["provenance"] == {"seen": 1, "copied": 0, "filled": 0, "regenerated": 0, "unseen": 0}
    assert run(degraded_video=video, **sidecars, overwrite=True) == 0


def test_what_may_be_removed(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.avi")
    wanted: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["leaves", "boxes", "dirt", "drops", "flare", "scratches"]),
        ({"remove": "text,dirt", "mask_mode": "all"}, ["dirt", "text"]),
    ]
    for flags, kinds in wanted:
        assert run(degraded_video=video, overwrite=True, **flags) == 0
        report = json.loads((out / "clip_restored.json").read_text())
        assert (report["remove"], report["mask_mode"]) == (kinds, flags.get("mask_mode", "found"))


@pytest.mark.parametrize("mode", ["found", "all", "none"])
def test_a_mask_that_is_not_used_need_not_fit(run: Command, tmp_path: Path, out: Path, mode: str) -> None:
    mask = make_video(tmp_path / "mask.mp4", size=(32, 32))
    assert run(degraded_video=make_video(tmp_path / "clip.avi"), mask_video=mask, mask_mode=mode) == 0
    assert json.loads((out / "clip_restored.json").read_text())["mask"] is None


def test_a_folder_with_masks_of_every_kind(run: Command, tmp_path: Path, out: Path) -> None:
    videos, masks = two(tmp_path / "in"), tmp_path / "masks"
    make_video(videos / "c.mp4")
    images(masks, quarter(0, W, H)[None, ..., 0] > 0)
    (masks / "frame0.png").rename(masks / "a.png")
    images(masks / "b", quarter(0, W, H)[None, ..., 0].repeat(10, 0) > 0)
    make_video(masks / "c_mask.mkv", draw=quarter)
    assert run(degraded_video=videos, mask_video=masks) == 0
    for stem, mask in {"a": masks / "a.png", "b": masks / "b", "c": masks / "c_mask.mkv"}.items():
        report = json.loads((out / f"{stem}_restored.json").read_text())
        assert (report["mask"], report["hidden"], report["warnings"]) == (str(mask), 0.25, [])


def test_the_masks_of_a_folder_go_back_in(run: Command, tmp_path: Path, out: Path) -> None:
    videos, still = two(tmp_path / "in"), tmp_path / "masks"
    images(still, quarter(0, W, H)[None].repeat(2, 0)[..., 0] > 0)
    for index, stem in enumerate("ab"):
        (still / f"frame{index}.png").rename(still / f"{stem}.png")
    assert run(degraded_video=videos, mask_video=still, mask_dilation=3, write_mask=True, lossless=True) == 0
    assert run(degraded_video=videos, mask_video=out, output_dir=tmp_path / "again", lossless=True) == 0
    for stem in "ab":
        assert np.array_equal(read(tmp_path / "again" / f"{stem}_restored.mkv"), read(out / f"{stem}_restored.mkv"))


def test_what_goes_with_a_video_is_not_restored_itself(run: Command, tmp_path: Path) -> None:
    videos = two(tmp_path / "in")
    for _ in range(2):
        assert run(degraded_video=videos, output_dir=videos, write_mask=True, provenance=True, side_by_side=True) == 0
    assert len(left_in(videos)) == 2 * (1 + 6) + len(SUMMARY)


def test_a_folder_that_was_restored_without(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = two(tmp_path / "in")
    assert run(degraded_video=videos) == 0
    assert run(degraded_video=videos, write_mask=True) == 2
    assert capsys.readouterr().err == (
        "inference.py: restored before, without a_mask.mkv; "
        f"ask to overwrite it, or leave that out: {out}/a_restored.mp4\n"
    )
    assert run(degraded_video=videos, write_mask=True, overwrite=True) == 0
    assert run(degraded_video=videos, write_mask=True) == 0  # done
    assert len(left_in(out)) == 8 + len(SUMMARY)


def test_a_folder_goes_on_where_a_video_broke(run: Command, tmp_path: Path, out: Path) -> None:
    videos = two(tmp_path / "in")
    cut_in_half(make_video(videos / "c.avi", range(30), draw=noise)).replace(videos / "c.avi")
    assert run(degraded_video=videos, write_mask=True) == 1
    assert len(read(out / "c_mask.mkv")) < 30
    make_video(videos / "c.avi", range(30))
    # What stands there is replaced only where the earlier run wrote it.
    (out / "c_provenance.mkv").write_text("mine")
    assert run(degraded_video=videos, write_mask=True, provenance=True) == 2
    assert (out / "c_provenance.mkv").read_text() == "mine"
    assert run(degraded_video=videos, write_mask=True) == 0
    assert len(read(out / "c_mask.mkv")) == 30


@pytest.mark.parametrize(
    ("level", "warning"),
    [
        (0, "the mask hides nothing in any frame: its brightest level is 0, and a pixel is hidden from level 128 of"),
        (255, "the mask hides everything in all frames: its darkest level is 255, and a pixel is hidden from level 12"),
    ],
)
def test_a_mask_that_cannot_be_meant(run: Command, tmp_path: Path, out: Path, level: int, warning: str) -> None:
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.full((H, W), level, np.uint8))
    with pytest.warns(UserWarning, match=f"^{warning}") as warned:
        assert run(degraded_video=make_video(tmp_path / "clip.mp4"), mask_video=mask) == 0
    (line,) = json.loads((out / "clip_restored.json").read_text())["warnings"]
    assert line.startswith(warning) and len(warned) == 1


def test_grey_in_a_mask_is_warned_of(run: Command, tmp_path: Path, out: Path) -> None:
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1)))
    with pytest.warns(UserWarning, match=r"^50\.0% of the mask is neither black nor white, but grey; a pixel is "):
        assert run(degraded_video=make_video(tmp_path / "clip.mp4"), mask_video=mask) == 0
    assert json.loads((out / "clip_restored.json").read_text())["hidden"] == 0.5
