"""Videos to restore, one after another, by the command line in a process of its own.

Paused and cancelled are one thing to the command line, Ctrl-C, and so are resumed and run: the same command again,
which goes on behind what its journal has. The queue is kept on the disk, so that it outlives the page.
"""

import json
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restore.errors import ConfigError, printable
from restore.inference.report import read_report, write_whole
from restore.page.folder import NotHere
from restore.page.run import Progress, Run
from restore.page.settings import process, shown

LINES = 40  # of its messages that are kept
WAITING, RUNNING, PAUSED, CANCELLED, DONE, FAILED = "waiting", "running", "paused", "cancelled", "done", "failed"


@dataclass
class Job:
    """One video to restore.

    Attributes:
        number: of the job.
        video: the number of the video; `name` is what it is called.
        arguments: of the command line.
        output: what it writes.
        status: waiting, running, paused (the queue waits for it), cancelled, done or failed.
        wanted: what a running one is to become, once it has ended.
        done, total, left: frames, and the time left, as the bar states it.
        lines: its last messages.
        code: with which it ended.
    """

    number: int
    video: str
    name: str
    arguments: list[str]
    output: str
    original: str | None = None
    status: str = WAITING
    wanted: str | None = None
    done: int = 0
    total: int = 0
    left: str = ""
    lines: list[str] = field(default_factory=list)
    code: int | None = None

    @property
    def side(self) -> dict[str, Path]:
        """The files that go with the output, by what they are."""
        stem = Path(self.output).stem.removesuffix("_restored")
        folder = Path(self.output).parent
        kinds = {"provenance": "mkv", "confidence": "mkv", "report": "html"}
        return {kind: folder / f"{stem}_{kind}.{extension}" for kind, extension in kinds.items()}

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the page."""
        values = asdict(self) | {"command": shown(self.arguments), "output": printable(Path(self.output).name)}
        del values["arguments"], values["original"]
        values["has"] = [kind for kind, path in self.side.items() if path.exists() and self.status == DONE]
        report = read_report(Path(self.output)) if self.status == DONE else None
        values["warnings"] = report["warnings"] if report else []
        values["provenance"] = report["provenance"] if report else None
        values["scores"] = report["scores"] if report else None
        return values


class RunQueue:
    """A context manager; at its end what runs is interrupted, and goes on once it is resumed.

    Args:
        path: where the queue is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._run: Run | None = None
        self._ending = False
        with suppress(OSError, ValueError):  # there is none yet
            self._jobs = [Job(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
        for job in self._jobs:
            if job.status in (RUNNING, WAITING):  # the page ended; a person says when it goes on
                job.status, job.wanted = PAUSED, None
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)

    def __enter__(self) -> "RunQueue":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ending = True
            for job in self._jobs:
                if job.status == RUNNING:
                    job.wanted = PAUSED
            if self._run:
                self._run.interrupt()
            self._changed.notify_all()
        self._thread.join()

    def jobs(self) -> list[Job]:
        with self._changed:
            return [*self._jobs]

    def job(self, number: int) -> Job:
        """Raises NotHere: there is none of this number."""
        for job in self._jobs:
            if job.number == number:
                return job
        raise NotHere("no such run; load the page again")

    def add(self, video: str, name: str, arguments: Sequence[str], output: Path, original: Path | None) -> Job:
        """Restore it, once what was added before is done.

        Raises:
            ConfigError: the same output is to be written by a run that is not done.
        """
        with self._changed:
            for job in self._jobs:
                if job.output == str(output) and job.status in (WAITING, RUNNING, PAUSED):
                    raise ConfigError(f"{name} is {job.status} in the queue already; wait, or cancel that run first")
            number = max((job.number for job in self._jobs), default=0) + 1
            self._jobs.append(Job(number, video, name, [*arguments], str(output), str(original) if original else None))
            self._save()
            return self._jobs[-1]

    def pause(self, number: int) -> None:
        """Interrupt it; nothing else is run until it is resumed or cancelled."""
        self._stop(number, PAUSED)

    def cancel(self, number: int) -> None:
        """Interrupt it, and go on with the next; what is done of it is kept."""
        self._stop(number, CANCELLED)

    def resume(self, number: int) -> None:
        """Run the same command again."""
        with self._changed:
            job = self.job(number)
            others = [other for other in self._jobs if other is not job and other.output == job.output]
            if any(other.status in (WAITING, RUNNING, PAUSED) for other in others):
                raise ConfigError(f"{job.name} is in the queue already; wait, or cancel that run first")
            if job.status in (PAUSED, CANCELLED, FAILED):
                job.status, job.code, job.lines = WAITING, None, []
                self._save()

    def remove(self, number: int) -> None:
        """Take one that does not run off the list; its files remain."""
        with self._changed:
            if self.job(number).status != RUNNING:
                self._jobs = [job for job in self._jobs if job.number != number]
                self._save()

    def _stop(self, number: int, wanted: str) -> None:
        with self._changed:
            job = self.job(number)
            if job.status == RUNNING:
                job.wanted = wanted
                if self._run:
                    self._run.interrupt()
            elif job.status in (WAITING, PAUSED):
                job.status = wanted
            self._save()

    def _save(self) -> None:
        write_whole(self._path, json.dumps([asdict(job) for job in self._jobs]))
        self._changed.notify_all()

    def _next(self) -> Job | None:
        if any(job.status == PAUSED for job in self._jobs):
            return None
        return next((job for job in self._jobs if job.status == WAITING), None)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ending or self._next())
                if self._ending:
                    return
                job = self._next()
                assert job is not None, "it was waited for"
                Path(job.output).parent.mkdir(parents=True, exist_ok=True)
                job.status, job.left, self._run = RUNNING, "", Run(process(job.arguments))
                self._save()
            lines: deque[str] = deque(maxlen=LINES)
            for line in self._run.lines():
                progress = Progress.of(line)
                if progress:
                    job.done, job.total, job.left = progress.done, progress.total, progress.left
                elif not line.strip().startswith(("|", "0it")) and "it/s" not in line:
                    lines.append(line.strip())
                    job.lines = [*lines]
            code = self._run.wait()
            with self._changed:
                self._run, job.code, job.left = None, code, ""
                job.status = DONE if code == 0 else job.wanted or FAILED
                job.wanted = None
                if code == 0:
                    job.done = job.total = max(job.done, job.total)
                self._save()
