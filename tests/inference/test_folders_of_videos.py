"""The command on a folder of videos: all of them once, and nothing that is not one."""

import json
from pathlib import Path

import pytest

from tests.inference.command import SUMMARY, Command, folder, frames_in, left_in, quarter, two, written
from tests.video.make import cut_in_half, make_video, noise


def test_a_folder(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad videos do not hold up the others, and the same command goes on with what is not done."""
    videos = two(tmp_path / "in")
    broken = cut_in_half(make_video(videos / "c.avi", range(30), draw=noise))
    broken.replace(videos / "c.avi")
    written(videos / "d.mp4", b"no video")
    assert run(degraded_video=videos) == 2
    assert (
        left_in(out)
        == [
            f"{stem}_restored.{end}"
            for stem, ends in {"a": ("json", "mp4"), "b": ("json", "mp4"), "c": ("avi", "json")}.items()
            for end in ends
        ]
        + SUMMARY
    )
    lines = capsys.readouterr().err.splitlines()
    assert lines[2] == "inference.py: 2 of 4 failed:" and lines[3:] == [
        line.replace(": ", ":   ", 1) for line in lines[:2]
    ]
    assert [line.rpartition(": ")[2] for line in lines[:2]] == [str(videos / "c.avi"), str(videos / "d.mp4")]

    # The bad ones are replaced by good copies; `b` was never restored.
    make_video(videos / "c.avi", range(30))
    make_video(videos / "d.mp4")
    (out / "b_restored.mp4").unlink()
    (out / "b_restored.json").unlink()
    before = (out / "a_restored.mp4").stat().st_mtime_ns
    assert run(degraded_video=videos) == 0
    printed, errors = capsys.readouterr()
    assert (
        printed.splitlines()[0]
        == f"{out}/a_restored.mp4: restored before, left as it is (--overwrite restores it anew)"
    )
    assert len(printed.splitlines()) == 5 and errors == ""
    assert printed.splitlines()[-1] == "1 of 4 were done before"
    assert (out / "a_restored.mp4").stat().st_mtime_ns == before
    assert [frames_in(out / f"{name}") for name in ("b_restored.mp4", "c_restored.avi", "d_restored.mp4")] == [
        10,
        30,
        10,
    ]
    assert len(left_in(out)) == 8 + len(SUMMARY)


def test_a_folder_with_a_file_of_someone_elses(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = two(tmp_path / "in")
    out.mkdir()
    (out / "b_restored.mp4").write_text("mine")
    assert run(degraded_video=videos) == 2
    assert "the output exists already" in capsys.readouterr().err
    assert left_in(out) == ["b_restored.mp4"]


def test_results_inside_the_folder_are_not_restored_again(run: Command, tmp_path: Path) -> None:
    videos = two(tmp_path / "in")
    for _ in range(2):
        assert run(degraded_video=videos, output_dir=videos / "restored") == 0
        assert run(degraded_video=videos, output_dir=videos) == 0
    assert len(list(videos.rglob("*.mp4"))) == 6


def test_masks_and_originals_of_a_folder(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, originals, masks = two(tmp_path / "in"), two(tmp_path / "originals"), folder(tmp_path / "masks")
    for stem in "ab":
        make_video(masks / f"{stem}.mkv", draw=quarter)
    assert run(degraded_video=videos, original_video=originals, mask_video=masks) == 0
    printed = capsys.readouterr().out
    assert printed.count("\na  ") == printed.count("\nb  ") == printed.count("\nmean") == 2
    report = json.loads((out / "b_restored.json").read_text())
    assert (report["mask"], report["original"]) == (str(masks / "b.mkv"), str(originals / "b.mp4"))
    assert report["scores"]["regions"] == "given"
