"""Work that takes long, one piece at a time in a thread, and how far it is; a browser asks for that again and again."""

import queue
import threading
from collections.abc import Callable
from typing import Any

from restore.errors import RestoreError, printable


class Cancelled(Exception):
    """The work was no longer wanted."""


class Task:
    """One piece of work.

    Attributes:
        share: of it that is done, in [0, 1].
        result: what has come of it so far; None until there is something.
        error: why nothing came of it, in one line.
    """

    def __init__(self, work: Callable[["Task"], Any]) -> None:
        self._work = work
        self.share = 0.0
        self.result: Any = None
        self.error: str | None = None
        self._ended, self._cancelled = threading.Event(), threading.Event()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def forward(self, share: float) -> None:
        """Note how far it is; called by the work itself.

        Raises:
            Cancelled: it need not go on.
        """
        self.share = min(1.0, share)
        if self.cancelled:
            raise Cancelled

    def cancel(self) -> None:
        self._cancelled.set()

    def wait(self) -> Any:
        """Wait for the result.

        Raises:
            RestoreError: there is none.
        """
        self._ended.wait()
        if self.error or self.cancelled:
            raise RestoreError(self.error or "it was cancelled")
        return self.result

    def run(self) -> None:
        """Do the work, in the thread that calls."""
        try:
            self.forward(0)
            self.result = self._work(self)
            self.share = 1.0
        except Cancelled:
            pass
        except RestoreError as error:
            self.error = printable(str(error))
        except Exception as error:  # whatever it is, the page goes on, and says it
            self.error = printable(f"{type(error).__name__}: {error}")
        finally:
            self._ended.set()

    def state(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"share": self.share, "done": self.done, "error": self.error, "cancelled": self.cancelled}


class Worker:
    """A thread that does one task after another. A daemon: nothing that it does is lost with it."""

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Callable[[Task], Any]) -> Task:
        """Do it once all before is done."""
        task = Task(work)
        self._tasks.put(task)
        return task

    def end(self) -> None:
        """Take nothing any more."""
        self._tasks.put(None)

    def _run(self) -> None:
        while task := self._tasks.get():
            task.run()
