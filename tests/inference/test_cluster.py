"""Videos on a Ray cluster: the results of one process, whatever becomes of workers and of the command."""

import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import cv2
import pytest
import torch

from restore.errors import VideoError, WeightsError
from restore.inference.cluster import _workers
from restore.inference.config import InferenceConfig
from restore.inference.jobs import as_it_is_now, find_jobs
from restore.inference.journal import journal_folder
from restore.inference.worker import HOST, ready, restored
from tests.inference.command import SUMMARY, Command, folder, left_in, two, written
from tests.inference.test_inference import ROOT
from tests.inference.test_resume import TIMES
from tests.propagation.footage import at_rest, noisy
from tests.video.make import make_video

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (requirements-cluster.txt)"
)
LONG = 800  # frames; segments end behind 240, 480 and 720


def the_only_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    return printed.err


def test_without_ray_one_line_says_how_to_install_it(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(degraded_video=two(tmp_path / "in"), ray="local") == 2
    assert the_only_line(capsys) == (
        "inference.py: ray is local, and Ray is not installed; pip install -r requirements-cluster.txt, "
        "or leave --ray out\n"
    )
    assert left_in(out) == []


@needs_ray
@pytest.mark.parametrize(
    ("address", "why"), [("127.0.0.1:1", "Connection refused"), ("nowhere", "invalid literal"), ("h:70000", "")]
)
def test_where_no_ray_answers(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], address: str, why: str
) -> None:
    assert run(degraded_video=two(tmp_path / "in"), ray=address) == 2
    line = the_only_line(capsys)
    assert line.startswith(f"inference.py: ray is {address}, where no Ray answers ({why}")
    assert line.endswith("; give local, or HOST:PORT, as `ray start --head` prints it\n")
    assert left_in(out) == []


def test_a_device_of_ones_own_is_refused(run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(degraded_video=two(tmp_path / "in"), ray="local", device="cuda:1") == 2
    assert the_only_line(capsys) == (
        "inference.py: device is cuda:1, and Ray gives each worker a GPU of its own; give cuda, or cpu\n"
    )


def test_what_a_worker_takes() -> None:
    """A core, the cores that are asked for, or a GPU with its share of the cores."""

    def taken(*machines: dict[str, float], **flags: object) -> tuple[int, int, int]:
        resources, workers = _workers(InferenceConfig("in", ray="local", **flags), machines)  # type: ignore[arg-type]
        return resources["num_cpus"], resources["num_gpus"], workers

    small, large = {"CPU": 4.0}, {"CPU": 16.0, "GPU": 4.0}
    assert taken(small, small) == (1, 0, 8)
    assert taken(small, {"CPU": 3.0}, threads=2) == (2, 0, 3)
    assert taken(small, large) == (4, 1, 4)
    assert taken({"CPU": 2.0, "GPU": 1.0}, large) == (2, 1, 5)
    assert taken(small, large, device="cpu") == (1, 0, 20)
    with pytest.raises(Exception, match="threads is 5, and no machine of Ray has more than 4 cores; give fewer"):
        taken(small, small, threads=5)


def test_a_task_that_runs_again_finds_what_it_has_done(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where its worker was lost after the last byte, and before the command knew."""
    video = make_video(tmp_path / "clip.mp4", range(3))
    (job,) = find_jobs(video, out)
    assert as_it_is_now(job) is job
    assert run(degraded_video=video) == 0
    assert not job.done and as_it_is_now(job).done
    report = out / "clip_restored.json"
    report.unlink()
    assert not as_it_is_now(job).done and not as_it_is_now(job).overwrite  # another's
    written(folder(out / ".clip_restored.restoring") / "finishing", b"")
    assert as_it_is_now(job).overwrite


def test_what_a_worker_says(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines and outcome of a video are for the command; what the machine lacks ends that, with the machine's name."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # it sets them for a process of its own
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "clip.mp4", range(3))
    (job,) = find_jobs("clip.mp4", "out")

    def worker(weights: Path, cwd: Path) -> tuple[tuple[object, ...], str, str]:
        config = InferenceConfig("clip.mp4", weights_path=str(weights), output_dir="out", device="cpu", engine="torch")
        return astuple(config), "program", str(cwd)

    with pytest.raises(
        VideoError, match=rf"^not on {HOST} \(No such file or directory\); run this in a folder that all"
    ):
        ready(*worker(tiny_weights, tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=f"^on {HOST}: .*none.pth"):
        ready(*worker(tmp_path / "none.pth", tmp_path))
    with pytest.raises(VideoError, match=f"^not on {HOST}; put it on storage that all machines share: out$"):
        restored(job, 0, None, *worker(tiny_weights, tmp_path))
    assert not Path("out").exists()
    outcome, lines, errors, frames = restored(job, 0, None, *worker(tiny_weights, folder(tmp_path / "out").parent))
    assert (outcome.status, outcome.code, errors, frames) == ("done", 0, "", (0, 3))
    assert lines.startswith("out/clip_restored.mp4: 3 frames, ") and lines.count("\n") == 1
    outcome, lines, _, _ = restored(job, 0, None, *worker(tiny_weights, tmp_path))
    assert outcome.status == "skipped" and "restored before" in lines


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A long one, a short one, and none."""
    at = folder(tmp_path / "in")
    pictures = noisy(at_rest(60), 4)
    make_video(at / "a.mkv", range(LONG), draw=lambda index, *_: pictures[index % 60])
    make_video(at / "b.mp4", range(12))
    written(at / "c.mp4", b"no video")
    return at


@pytest.fixture
def one_thread() -> object:
    threads = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


def until(what: Callable[[], object], process: "subprocess.Popen[str]") -> object:
    """What it returns, once that is something."""
    for _ in range(6000):
        assert process.poll() is None, process.communicate()
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def holder(path: Path) -> int | None:
    """The process that has a file open."""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if entry.resolve() == path:
                return int(entry.parts[2])
        except OSError:  # it has ended, or is another user's
            continue
    return None


@needs_ray
@pytest.mark.usefixtures("one_thread")
def test_a_lost_worker_and_a_lost_command_change_nothing_but_time(
    run: Command, tmp_path: Path, out: Path, videos: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    flags = {"threads": 1, "write_mask": True, "engine": "torch"}
    assert run(degraded_video=videos, output_dir=whole, **flags) == 2
    capsys.readouterr()

    argv = ["--degraded_video", videos, "--output_dir", out, "--weights_path", tiny_weights, "--device", "cpu"]
    argv += ["--threads", 1, "--write_mask", "--engine", "torch", "--ray", "local"]
    for _ in range(3):  # what a raylet needs must start in 15 seconds, which a busy machine may not manage
        command = subprocess.Popen(
            [sys.executable, "inference.py", *map(str, argv)],
            cwd=ROOT,
            env=os.environ | {"HOME": str(tmp_path)},  # where Ray keeps a token
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while command.poll() is None and not (out / "summary.json").exists():
            time.sleep(0.05)
        if command.returncode != 2 or "Ray does not start on this machine" not in command.communicate()[1]:
            break
    else:
        pytest.skip("Ray does not start on this machine in time")
    journal = journal_folder(out / "a_restored.mkv")
    until((journal / "00001.json").exists, command)
    first = holder(journal / "lock")
    assert first is not None and first != command.pid
    os.kill(first, signal.SIGKILL)
    entries = until(lambda: [*journal.glob("*.json")], command)
    # Another worker goes on behind what is done.
    until(lambda: holder(journal / "lock") not in (None, first), command)
    until(lambda: len([*journal.glob("*.json")]) > len(entries), command)  # type: ignore[arg-type]
    until((out / "b_restored.json").exists, command)
    command.send_signal(signal.SIGINT)
    printed, errors = command.communicate(timeout=120)
    assert command.returncode == 130, errors
    assert printed.startswith(f"{out}/b_restored.mp4: 12 frames, ") and printed.count("\n") == 1
    assert "inference.py: not a video that FFmpeg can read" in errors
    assert errors.endswith("inference.py: interrupted; what is done is kept, the same command goes on behind it\n")
    assert [row["status"] for row in rows_of(out)] == ["waiting", "done", "failed"]
    assert holder(journal / "lock") is None

    # The journal serves whoever comes next, and all is as if nothing had happened.
    assert run(degraded_video=videos, **flags) == 2
    assert left_in(out) == left_in(whole)
    for name in left_in(whole):
        if name.endswith("_restored.json"):
            one, other = (json.loads((at / name).read_text()) for at in (out, whole))
            assert (
                one["seconds"] > 0
                and [{**report, **dict.fromkeys(TIMES)} for report in (one, other)]
                == [{**other, **dict.fromkeys(TIMES)}] * 2
            )
        elif name not in SUMMARY:
            assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def rows_of(at: Path) -> list[dict[str, object]]:
    return list(json.loads((at / "summary.json").read_text())["videos"])
