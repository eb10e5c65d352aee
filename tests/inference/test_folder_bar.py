"""The bar of a folder counts what is left by what headers state, and by what was really done."""

import io
from pathlib import Path

import pytest

from restore.inference.folder_bar import FolderBar
from restore.video.clip import stated_frames
from tests.inference.command import Command, folder, two, written
from tests.inference.test_refining_bar import Terminal
from tests.video.make import make_video


def videos(at: Path) -> list[Path]:
    broken = written(at / "b.mp4", b"no video")
    return [make_video(at / "a.mp4", range(20)), broken, make_video(at / "c.mkv", range(10)), make_video(at / "d.mp4")]


def test_what_headers_state(tmp_path: Path) -> None:
    assert [stated_frames(video) for video in videos(tmp_path)] == [20, None, 10, 10]
    assert stated_frames(tmp_path / "missing.mp4") is None


def test_what_is_left_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with FolderBar(videos(tmp_path), "folder", row=0, hidden=False) as bar:

        def last() -> str:
            return [line for line in terminal.lines if line][-1]

        assert last().startswith("folder: 0 of 4 videos:   0%") and "0/53 " in last()  # 20, 10, 10, and their mean
        bar.update(15)  # done before
        for _ in range(6):
            bar.update(1)
        bar.end()  # one more than was stated
        assert last().startswith("folder: 1 of 4 videos:") and "21/54 " in last()
        bar.end()  # not a video
        assert last().startswith("folder: 2 of 4 videos:") and "21/41 " in last() and "<" in last()
        for _ in range(10):
            bar.update(1)
        bar.end()
        bar.end()  # the last was done before
        assert last().startswith("folder: 4 of 4 videos: 100%") and "31/31 " in last()
        done = bar._bar.format_dict
        assert done["n"] - done["initial"] == 16  # what the speed is measured by
    assert not any(terminal.lines[-2:])  # wiped


def test_several_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with FolderBar(videos(tmp_path), "folder", row=0, hidden=False) as bar:
        for video, before, now in ((0, 0, 4), (2, 0, 3), (0, 0, 9)):
            bar.reach(video, before, now)
        done = bar._bar.format_dict
        assert (done["n"], done["initial"]) == (12, 0)
        bar.reach(0, 6, 1)  # its worker was lost; another goes on behind six frames
        done = bar._bar.format_dict
        assert (done["n"], done["initial"]) == (10, 6)
        bar.reach(2, 0, 12)
        bar.end(2)  # two more than were stated
        last = [line for line in terminal.lines if line][-1]
        assert last.startswith("folder: 1 of 4 videos:") and "19/55 " in last


def test_it_is_quiet_where_stderr_is_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", log := io.StringIO())
    with FolderBar([tmp_path / "never opened.mp4"], "folder", row=0, hidden=False) as bar:
        bar.update(1)
        bar.update(15)
        bar.end()
    assert not log.getvalue()


def test_a_folder_has_a_bar_above_that_of_its_video(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = two(tmp_path / "in")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert run(degraded_video=both) == 0
    for start in ("folder: 0 of 2 videos:   0%", "a.mp4:   0%", "folder: 1 of 2 videos:  50%", "b.mp4:   0%"):
        assert any(line.startswith(start) for line in terminal.lines), start
    assert any(line.startswith("folder: 2 of 2 videos: 100%") and "20/20 " in line for line in terminal.lines)
    assert not any(terminal.lines[-2:])
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert run(degraded_video=both / "a.mp4", output_dir=folder(tmp_path / "one")) == 0
    assert not any("folder" in line for line in terminal.lines)
