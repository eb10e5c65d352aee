"""The queue: the command line as a process, its end, and what outlives the page."""

import json
import signal
import sys
from pathlib import Path

import pytest

from restore.errors import ConfigError
from restore.page.folder import NotHere
from restore.page.run import Run
from restore.page.run_queue import CANCELLED, FAILED, PAUSED, WAITING, RunQueue
from restore.page.settings import arguments, configured, flags, shown
from tests.page.place import until


def test_what_fails_says_why_and_does_not_hold_up_the_queue(tmp_path: Path) -> None:
    with RunQueue(tmp_path / "queue.json") as queue:
        words = ["--degraded_video", str(tmp_path / "gone.mp4"), "--output_dir", str(tmp_path)]
        first = queue.add("1", "gone.mp4", words, tmp_path / "gone_restored.mp4", None)
        second = queue.add("2", "too.mp4", [*words, "--strength", "7"], tmp_path / "too_restored.mp4", None)
        until(lambda: second.status == FAILED)
        assert (first.status, first.code) == (FAILED, 2)
        assert first.lines == [
            f"python -m restore restore: no such file or folder; check the path: {tmp_path / 'gone.mp4'}"
        ]
        assert second.lines == ["python -m restore restore: strength is 7.0, expected 0 to 1"]
        queue.remove(first.number)
        assert queue.jobs() == [second]
        with pytest.raises(NotHere, match="no such run"):
            queue.job(first.number)


def test_a_run_is_interrupted_where_the_page_itself_ignores_ctrl_c() -> None:
    """As it does where a script began it in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = Run([sys.executable, "-c", "import time; print('it runs', flush=True); time.sleep(60)"])
    finally:
        signal.signal(signal.SIGINT, before)
    lines = run.lines()
    assert next(lines) == "it runs"
    run.interrupt()
    assert list(lines) == [] and run.wait() != 0


def test_what_was_running_is_paused_when_the_page_ends_and_waits_for_a_person(tmp_path: Path) -> None:
    path, words = tmp_path / "queue.json", ["--degraded_video", str(tmp_path / "gone.mp4")]
    with RunQueue(path) as queue:
        job = queue.add("1", "a.mp4", words, tmp_path / "a_restored.mp4", None)
        queue.pause(job.number)  # while it runs, or before
        until(lambda: job.status == PAUSED)
        other = queue.add("2", "b.mp4", words, tmp_path / "b_restored.mp4", None)
    assert [one["status"] for one in json.loads(path.read_text())] == [PAUSED, WAITING]
    with RunQueue(path) as queue:
        job, other = queue.jobs()
        assert (job.status, other.status) == (PAUSED, PAUSED)
        with pytest.raises(ConfigError, match=r"a\.mp4 is paused in the queue already; wait, or cancel that run first"):
            queue.add("1", "a.mp4", words, tmp_path / "a_restored.mp4", None)
        queue.cancel(job.number)
        again = queue.add("1", "a.mp4", words, tmp_path / "a_restored.mp4", None)
        assert (job.status, again.status) == (CANCELLED, WAITING)
        with pytest.raises(ConfigError, match=r"a\.mp4 is in the queue already"):
            queue.resume(job.number)
        queue.cancel(other.number)
        until(lambda: again.status == FAILED)  # nothing is paused any more, and it runs


def test_settings_are_those_of_the_command_line(tmp_path: Path) -> None:
    chosen = {"strength": 0.5, "light": "auto", "stages": "fill", "seed": 3, "lossless": True, "overwrite": False}
    words = arguments(tmp_path / "a b.mp4", tmp_path / "out", chosen, mask=[], original=None, weights=None)
    config = configured(words)
    assert (config.strength, config.light, config.stages, config.seed) == (0.5, "auto", "fill", 3)
    assert config.lossless and config.report and config.provenance and config.confidence and not config.overwrite
    assert shown(words).startswith(f"python -m restore restore --degraded_video '{tmp_path}/a b.mp4' --output_dir ")
    assert flags({"strength": 1.0, "light": "off", "stages": "generator", "seed": 0}) == []


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"device": "cuda"}, "unknown setting 'device', expected some of strength, light"),
        ({"strength": 7}, "strength is 7.0, expected 0 to 1"),
        ({"light": "bright"}, "light is bright, expected auto, off, or a gain"),
        ({"stages": "--no_resume"}, "stages"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, chosen: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        arguments(tmp_path / "a.mp4", tmp_path, chosen, mask=[], original=None, weights=None)
