"""Resuming is the same command again, and gives the same result as never having stopped, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import torch
from torch import nn

from restore.models.finder import OcclusionFinder
from restore.models.generator import LevelledGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from tests.training import tiny
from tests.training.tiny import at_step, content, same, write_videos

ROOT = Path(__file__).parents[2]
INTERRUPTED = 130
STEPS = 4  # of the generator: 2 epochs of 2 videos; the finder's 3 steps come first

# How many threads add up a sum decides its last bit.
THREADS = {"OMP_NUM_THREADS": str(torch.get_num_threads())}


def flags(videos: Path, folder: Path, **settings: Any) -> list[str]:
    return tiny.flags(videos, folder, epochs=2, **settings)


def run(videos: Path, folder: Path, **settings: Any) -> int:
    return tiny.run(videos, folder, epochs=2, **settings)


def ctrl_c() -> None:
    before = signal.getsignal(signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    # Two signals of a kind would be one, if the second came before the first is handled, which changes the handler.
    for _ in range(200):
        time.sleep(0.01)
        if signal.getsignal(signal.SIGINT) is not before:
            break


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def uninterrupted(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of a training that was never stopped, by its settings."""
    folders: dict[tuple[tuple[str, Any], ...], Path] = {}

    def train(**settings: Any) -> Path:
        key = tuple(sorted(settings.items()))
        if key not in folders:
            folders[key] = tmp_path_factory.mktemp("uninterrupted")
            assert run(videos, folders[key], **settings) == 0
        return folders[key]

    return train


def stopped(videos: Path, folder: Path, model: type[nn.Module], step: int, **settings: Any) -> None:
    """Start a training, or go on with it, and press Ctrl-C in its `step`-th step of training the model."""
    with at_step(model, step, ctrl_c):
        assert run(videos, folder, **settings) == INTERRUPTED


def steps_done(folder: Path) -> int:
    """Of the generator."""
    return int(content(folder / "run/generator.checkpoint")["step"])


def assert_same_results(a: Path, b: Path) -> None:
    assert sorted(path.name for path in (a / "out").iterdir()) == ["discriminator.pth", "generator.pth"]
    for name in ("out/generator.pth", "out/discriminator.pth", "run/finder.checkpoint", "run/generator.checkpoint"):
        assert same(content(a / name), content(b / name)), name


def test_the_same_command_twice_gives_the_same_weights(
    videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path
) -> None:
    assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())
    assert run(videos, tmp_path / "other", seed=1) == 0
    assert not same(content(tmp_path / "other/out/generator.pth"), content(tmp_path / "out/generator.pth"))


@pytest.mark.parametrize("step", [1, 3])
def test_stopped_in_the_generators_training(
    videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path, step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped(videos, tmp_path, UNetGenerator, step)
    assert steps_done(tmp_path) == step
    assert capsys.readouterr().err.endswith("stopped; the same command goes on from here\n")
    assert (tmp_path / "out/generator.pth").is_file()  # what there is can be used already
    assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())


@pytest.mark.parametrize("step", [1, 3])
def test_stopped_in_the_finders_training(
    videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path, step: int
) -> None:
    stopped(videos, tmp_path, OcclusionFinder, step)
    assert content(tmp_path / "run/finder.checkpoint")["step"] == step
    assert not (tmp_path / "out").exists() and not (tmp_path / "run/generator.checkpoint").exists()
    assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())


def test_stopped_again_and_again(videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path) -> None:
    stopped(videos, tmp_path, OcclusionFinder, 2)
    stopped(videos, tmp_path, UNetGenerator, 1)
    stopped(videos, tmp_path, UNetGenerator, 2)
    assert steps_done(tmp_path) == 3
    assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())


def test_stopped_in_the_last_step_is_finished(videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path) -> None:
    with at_step(UNetGenerator, STEPS, ctrl_c):
        assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())


def test_a_second_ctrl_c_stops_at_once_and_the_checkpoint_before_counts(
    videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path
) -> None:
    every_step = {"checkpoint_minutes": 1e-9}
    with ExitStack() as stack:
        # What Ctrl-C does in a program, whatever ran in this process before.
        stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        for _ in range(2):
            stack.enter_context(at_step(UNetGenerator, 3, ctrl_c))
        stack.enter_context(pytest.raises(KeyboardInterrupt))
        run(videos, tmp_path, **every_step)
    assert steps_done(tmp_path) == 2
    assert run(videos, tmp_path, **every_step) == 0
    assert_same_results(tmp_path, uninterrupted())


@pytest.mark.parametrize(
    ("model", "step", "settings"),
    [
        (UNetGenerator, 1, {"gradient_accumulation": 2}),  # gradients of the first step wait for the second
        (UNetGenerator, 2, {"adversarial_start": 0.5}),
        (LevelledGenerator, 2, {"architecture": "gated"}),
        (Pix2PixUNet, 2, {"architecture": "pix2pix", "width": 8, "window": 3, "frames_per_window": 1}),
    ],
    ids=["accumulating", "discriminator joins later", "gated", "pix2pix with dropout"],
)
def test_stopped_under_other_settings(
    videos: Path,
    uninterrupted: Callable[..., Path],
    tmp_path: Path,
    model: type[nn.Module],
    step: int,
    settings: dict[str, Any],
) -> None:
    stopped(videos, tmp_path, model, step, **settings)
    assert step <= steps_done(tmp_path) < STEPS
    assert run(videos, tmp_path, **settings) == 0
    assert_same_results(tmp_path, uninterrupted(**settings))


KILLED = """
import os, signal, sys
import train
from restore.models.generator import LevelledGenerator, UNetGenerator
from tests.training.tiny import at_step
with at_step(UNetGenerator, 4, lambda: os.kill(os.getpid(), signal.SIGKILL)):
    train.main(sys.argv[1:])
"""


@pytest.mark.parametrize("minutes", [1e-9, 1000.0], ids=["checkpoint every step", "checkpoint at the finder's end"])
def test_killed_hard(videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path, minutes: float) -> None:
    arguments = flags(videos, tmp_path, checkpoint_minutes=minutes)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        cwd=ROOT,
        env=os.environ | THREADS,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if minutes < 1:
        assert steps_done(tmp_path) == 3
    else:
        assert not (tmp_path / "run/generator.checkpoint").exists()
    assert run(videos, tmp_path, checkpoint_minutes=minutes) == 0
    assert_same_results(tmp_path, uninterrupted())


def test_ctrl_c_at_a_terminal_reaches_the_workers_too_and_loses_nothing(
    videos: Path, uninterrupted: Callable[..., Path], tmp_path: Path
) -> None:
    """While the training waits for its first batch, and the worker that decodes it gets the same signal."""
    process = subprocess.Popen(
        [sys.executable, "train.py", *flags(videos, tmp_path, workers=1)],
        cwd=ROOT,
        env=os.environ | THREADS,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def workers() -> set[int]:
        return {child.pid for child in psutil.Process(process.pid).children() if process.poll() is None}

    def wait(until: Callable[[], object]) -> None:
        deadline = time.monotonic() + 300
        while not until() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    wait((tmp_path / "run/finder.checkpoint").exists)
    of_the_finder = workers()
    wait(lambda: workers() - of_the_finder)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == INTERRUPTED and "Traceback" not in errors, errors
    assert 1 <= steps_done(tmp_path) < STEPS
    assert run(videos, tmp_path) == 0
    assert_same_results(tmp_path, uninterrupted())
