"""The summary of a folder: one row a video, whole at any time, and safe in a spreadsheet."""

import csv
import io
import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from restore.errors import RestoreError
from restore.inference import run_jobs
from restore.inference import summary as summary_module
from restore.inference.jobs import find_jobs
from restore.inference.shard import Shard
from restore.inference.summary import COLUMNS, Summary
from tests.inference.command import SUMMARY, Command, folder, left_in, quarter, two, written
from tests.video.make import cut_in_half, make_video, noise


def rows_of(out: Path) -> list[dict[str, Any]]:
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))["videos"]


def table_of(out: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO((out / "summary.csv").read_bytes().decode("utf-8-sig"), newline=""))]


def test_one_row_a_video(run: Command, tmp_path: Path, out: Path) -> None:
    videos, originals = two(tmp_path / "in"), two(tmp_path / "originals")
    cut_in_half(make_video(videos / "c.avi", range(30), draw=noise)).replace(videos / "c.avi")
    written(videos / "d.mp4", b"no video")
    make_video(folder(videos / "rear") / "e.mp4", range(4))
    for name in ("c.avi", "d.mp4", "e.mp4"):
        make_video(originals / name, range(30))
    mask = folder(tmp_path / "masks")
    for stem in "abcde":
        make_video(mask / f"{stem}.mkv", range({"c": 30, "e": 4}.get(stem, 10)), draw=quarter)
    assert run(degraded_video=videos / "a.mp4", original_video=originals, mask_video=mask) == 0
    (originals / "e.mp4").unlink()
    make_video(originals / "e.mp4", range(4))
    given = {"degraded_video": videos, "original_video": originals, "mask_video": mask}
    code = run(**given)
    rows = rows_of(out)
    names = ["a.mp4", "b.mp4", "c.avi", "d.mp4", "rear/e.mp4"]
    assert [row["input"] for row in rows] == [str(videos / name) for name in names]
    results = ["a_restored.mp4", "b_restored.mp4", "c_restored.avi", "d_restored.mp4", "rear/e_restored.mp4"]
    assert [row["output"] for row in rows] == results
    assert [row["status"] for row in rows] == ["skipped", "done", "broken", "failed", "done"] and code == 2
    report = json.loads((out / "b_restored.json").read_text())
    scores = report["scores"]
    assert rows[1] == {
        "input": str(videos / "b.mp4"),
        "output": "b_restored.mp4",
        "status": "done",
        "frames": 10,
        "seconds": report["seconds"],
        "hidden": 0.25,
        **report["provenance"],
        "psnr_before": scores["before"]["psnr"],
        "psnr_after": scores["after"]["psnr"],
        "warnings": 0,
        "reason": None,
    }
    assert rows[0]["frames"] == 10 and rows[0]["psnr_after"] == scores["after"]["psnr"]
    broken, failed = rows[2:4]
    assert 5 < broken["frames"] < 25 and broken["reason"].startswith("the file is cut short by ")
    assert failed["frames"] is None and failed["reason"].startswith("not a video that FFmpeg can read")
    cells = [["" if value is None else str(value) for value in row.values()] for row in rows]
    assert [[*row.values()] for row in table_of(out)] == cells
    assert [*table_of(out)[0]] == [*COLUMNS, "reason"]


def test_a_night_that_is_killed_has_it(
    run: Command, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, restore = two(tmp_path / "in"), run_jobs.restore_file

    def killed(restorer: object, video: Path, *arguments: Any, **named: Any) -> dict[str, Any]:
        if video.name == "b.mp4":
            assert [row["status"] for row in rows_of(out)] == ["done", "waiting"]
            raise KeyboardInterrupt
        return restore(restorer, video, *arguments, **named)

    monkeypatch.setattr(run_jobs, "restore_file", killed)
    assert run(degraded_video=videos) == 130
    for rows in (rows_of(out), table_of(out)):
        assert [(row["status"], row["frames"] or None) for row in rows][1] == ("waiting", None)
    monkeypatch.undo()
    assert run(degraded_video=videos) == 0
    assert [row["status"] for row in rows_of(out)] == ["skipped", "done"]


def test_processes_do_not_overwrite_each_others_rows(tmp_path: Path) -> None:
    videos = folder(tmp_path / "in")
    for index in range(16):
        make_video(videos / f"{index:02}.mp4", range(1))
    jobs = find_jobs(videos, tmp_path)

    def add(share: int) -> None:
        summary = Summary(tmp_path, jobs, shard=Shard(share + 1, 4))
        summary.begin()
        for job in jobs[share::4]:
            summary.add(job, "failed", f"process {share}")

    threads = [Thread(target=add, args=(share,)) for share in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["reason"] for row in rows_of(tmp_path)] == [f"process {index % 4}" for index in range(16)]
    assert [row["reason"] for row in table_of(tmp_path)] == [f"process {index % 4}" for index in range(16)]


def test_who_writes_last_has_read_the_rows_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is held up after it has read the others' rows, until another has written all of its own."""
    jobs = find_jobs(two(tmp_path / "in"), tmp_path)
    slow, fast = (Summary(tmp_path, jobs, shard=Shard(number, 2)) for number in (1, 2))
    write, held = summary_module._write_rows, []

    def held_up(path: Path, rows: Any) -> None:
        if path.name == "summary.json" and not held:
            held.append(path)
            fast.add(jobs[1], "failed", "fast")
        write(path, rows)

    monkeypatch.setattr(summary_module, "_write_rows", held_up)
    slow.add(jobs[0], "failed", "slow")
    assert [row["reason"] for row in rows_of(tmp_path)] == ["slow", "fast"]


def test_no_name_is_computed_by_a_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder(tmp_path / "in"))
    names = ["+b.mp4", "-c.mp4", "=cmd|' C'!A0.mp4", "@d.mp4", "\te.mp4", 'f,"g;\n=h.mp4', "ü.mp4"]
    for name in names:
        make_video(tmp_path / "v.mp4", range(1)).rename(name)
    jobs = find_jobs(".", tmp_path)
    summary = Summary(tmp_path, jobs)
    summary.begin()
    summary.add(jobs[-1], "failed", "-1\n=2")
    table = table_of(tmp_path)
    cells = [row[name] for row in table for name in ("input", "output", "status", "reason")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    written_as = {name: name if name[0] in "fü" else f"'{name}" for name in names}
    assert {row["input"] for row in table} == set(written_as.values())
    assert table[-1]["reason"] == "'-1 =2"
    # What is no number is quoted, so that no other separator divides it.
    assert b'"f,""g;\n=h.mp4"' in (tmp_path / "summary.csv").read_bytes()
    assert {row["input"] for row in rows_of(tmp_path)} == set(names)


@pytest.mark.parametrize(("name", "text"), [("summary.json", '{"total": 3}'), ("summary.csv", "day,money\n1,2\n")])
def test_the_summary_of_another_is_not_replaced_unasked(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    videos = two(tmp_path / "in")
    (folder(out) / name).write_text(text)
    assert run(degraded_video=videos) == 2
    message = "not a summary of restored videos, and in its place; move it away, or ask to overwrite it"
    assert capsys.readouterr().err == f"inference.py: {message}: {out / name}\n"
    assert left_in(out) == [name] and (out / name).read_text() == text
    assert run(degraded_video=videos / "a.mp4") == 0  # which writes none
    assert run(degraded_video=videos, overwrite=True) == 0
    assert [row["status"] for row in rows_of(out)] == ["done"] * 2 and len(table_of(out)) == 2


def test_a_summary_that_cannot_be_written_takes_no_video_with_it(tmp_path: Path) -> None:
    jobs = find_jobs(two(tmp_path / "in"), tmp_path)
    summary = Summary(tmp_path, jobs)
    folder(tmp_path / "summary.csv")
    with pytest.raises(RestoreError, match=r"the summary cannot be written \(Is a directory\); the videos are not"):
        summary.begin()
    assert left_in(tmp_path) == ["in", *SUMMARY]
