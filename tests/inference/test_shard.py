"""Several processes of one command, each with its share of the videos: a Slurm array, or torchrun."""

import json
from pathlib import Path

import pytest

from tests.inference.command import SUMMARY, Command, folder, left_in, two, written
from tests.inference.test_cluster import the_only_line
from tests.video.make import make_video


def statuses(out: Path) -> list[str]:
    return [row["status"] for row in json.loads((out / "summary.json").read_text())["videos"]]


def test_shares_make_the_whole(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos, whole = two(tmp_path / "in"), tmp_path / "whole"
    make_video(videos / "c.mp4")
    assert run(degraded_video=videos, output_dir=whole) == 0
    assert run(degraded_video=videos, shard="2/2") == 0
    assert left_in(out) == [".summary.2of2.json", "b_restored.json", "b_restored.mp4", *SUMMARY]
    assert statuses(out) == ["waiting", "done", "waiting"]
    assert run(degraded_video=videos, shard="1/2") == 0
    assert statuses(out) == ["done"] * 3
    names = [name for name in left_in(whole) if name.endswith(".mp4")]
    assert [(out / name).read_bytes() for name in names] == [(whole / name).read_bytes() for name in names]
    # The command without shares goes over all that they did, and writes the summary alone.
    assert run(degraded_video=videos) == 0
    assert left_in(out) == left_in(whole) and statuses(out) == ["skipped"] * 3
    # More shares than videos leave some with nothing to do.
    capsys.readouterr()
    assert run(degraded_video=videos, shard="4/4") == 0
    assert capsys.readouterr().out == ""


def test_what_another_share_does_at_this_moment_is_left_alone(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its outputs have no report yet; its inputs are for it to judge."""
    videos = two(tmp_path / "in")
    written(folder(out) / "b_restored.mp4", b"being written")
    assert run(degraded_video=videos, shard="1/2") == 0
    assert statuses(out) == ["done", "waiting"]
    assert run(degraded_video=videos, shard="2/2") == 2
    assert "the output exists already" in capsys.readouterr().err


def test_a_result_beside_its_input_is_none_before_it_has_its_report(run: Command, tmp_path: Path) -> None:
    """Else the videos of a folder, and with them the shares, would change while others work."""
    videos = two(tmp_path / "in")
    written(videos / "a_restored.mp4", make_video(tmp_path / "other.mp4").read_bytes())
    written(folder(videos / ".a_restored.restoring") / "finishing", b"")
    assert run(degraded_video=videos, output_dir=videos, shard="2/2") == 0
    assert (videos / "b_restored.mp4").exists() and statuses(videos) == ["waiting", "done"]


@pytest.mark.parametrize("shard", ["3/2", "0/2", "1/0", "2", "1/2/3", "1/2 ", "a/b"])
def test_no_share(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], shard: str) -> None:
    assert run(degraded_video=two(tmp_path / "in"), shard=shard) == 2
    expected = "expected K/N with K from 1 to N, as 1/4 to 4/4 of four processes"
    assert the_only_line(capsys) == f"inference.py: shard is {shard!r}, {expected}\n"
    assert left_in(out) == []


@pytest.mark.parametrize(
    ("flags", "torchrun", "words"),
    [
        ({"ray": "local", "shard": "1/2"}, False, "ray is local and shard is 1/2"),
        ({"ray": "local"}, True, "ray is local and torchrun started several processes"),
        ({"shard": "1/2"}, True, "shard is 1/2 and torchrun started several processes"),
    ],
)
def test_only_one_divides(
    run: Command,
    tmp_path: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: dict[str, str],
    torchrun: bool,
    words: str,
) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2")) if torchrun else ():
        monkeypatch.setenv(name, value)
    assert run(degraded_video=two(tmp_path / "in"), **flags) == 2
    assert the_only_line(capsys) == (
        f"inference.py: {words}, and each divides the videos in its own way; use one of them\n"
    )
    assert left_in(out) == []
