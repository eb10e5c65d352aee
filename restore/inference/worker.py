"""What runs in the workers of a cluster: restoring one video after another, with models that are loaded once."""

import fcntl
import io
import os
import socket
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from restore.errors import RestoreError, VideoError
from restore.inference.config import InferenceConfig
from restore.inference.jobs import Job, as_it_is_now
from restore.inference.journal import LOCK, journal_folder
from restore.inference.outcomes import Outcome
from restore.inference.process import set_up_process

LEASE = 120  # seconds: NFS frees what a lost machine has locked after 90
TICK = 0.5  # seconds between two reports of how far a video is
HOST = socket.gethostname()


def restored(
    job: Job, at: int, progress: Any, settings: tuple[Any, ...], program: str, folder: str
) -> tuple[Outcome, str, str, tuple[int, int]]:
    """In a worker: restore one video => its outcome, what was printed to stdout and to stderr, and how many frames were
    done before and now.
    """
    frames = Frames(at, progress)
    with redirect_stdout(io.StringIO()) as lines, redirect_stderr(io.StringIO()) as errors:
        ready(settings, program, folder)
        config = InferenceConfig(*settings)
        if not Path(config.output_dir).is_dir():  # it would be made here, and the results be lost
            raise VideoError(f"not on {HOST}; put it on storage that all machines share: {config.output_dir}")
        from restore.inference.run_jobs import tried

        end = time.monotonic() + LEASE
        while is_locked(job.output) and time.monotonic() < end:
            time.sleep(1)
        outcome = tried(as_it_is_now(job), *_loaded(settings), config, row=0, progress=frames)
    return outcome, lines.getvalue(), errors.getvalue(), (frames.before, frames.now)


def ready(settings: tuple[Any, ...], program: str, folder: str) -> None:
    """In a worker: all that restoring needs is there."""
    set_up_process(program)
    try:
        os.chdir(folder)  # paths are relative to it
    except OSError as error:
        raise VideoError(
            f"not on {HOST} ({error.strerror}); run this in a folder that all machines share: {folder}"
        ) from error
    try:
        _loaded(settings)
    except RestoreError as error:
        raise type(error)(f"on {HOST}: {error}") from error


def is_locked(output: Path) -> bool:
    """Whether another process restores to this output, as far as the storage knows."""
    try:
        with open(journal_folder(output) / LOCK, "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)  # else there is none
    return False


@cache
def _loaded(settings: tuple[Any, ...]) -> Any:
    """The models, for all videos of a worker."""
    from restore.inference.run_jobs import load  # which imports torch: a cluster that does not answer is known before

    return load(InferenceConfig(*settings))


class Frames:
    """Counts the frames of one video, and reports them to the command now and then. Another attempt counts anew."""

    def __init__(self, at: int, progress: Any) -> None:
        self.before = self.now = 0
        self._at, self._progress, self._reported = at, progress, 0.0

    def __call__(self, frames: int) -> None:
        if frames > 1:  # of the journal
            self.before += frames
        else:
            self.now += frames
        if self._progress and time.monotonic() > self._reported + TICK:
            self._reported = time.monotonic()
            self._progress.reach.remote(self._at, (self.before, self.now))


class Progress:
    """An actor beside the command, which asks it how far the videos are."""

    def __init__(self) -> None:
        self._frames: dict[int, tuple[int, int]] = {}

    def reach(self, at: int, frames: tuple[int, int]) -> None:
        self._frames[at] = frames

    def taken(self) -> dict[int, tuple[int, int]]:
        """What is new since it was asked last."""
        frames, self._frames = self._frames, {}
        return frames
