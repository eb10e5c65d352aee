"""One video that is open on the page: what is known of it, and the tasks that find more."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restore.page.detections import Detections, detect_all
from restore.page.edits import Edits
from restore.page.frame_store import FrameStore
from restore.page.masks import Masks, follow_layer
from restore.page.survey import Survey, survey
from restore.page.task import Task, Worker

if TYPE_CHECKING:  # PyTorch takes seconds to import, and the page is there before
    from restore.pipeline import Restorer


class Opened:
    """A video.

    Args:
        path: of the video; `number` is the folder's for it.
        folder: where its corrections are kept.
        looks: the worker that reads videos; `works` the one that computes.
    """

    def __init__(self, path: Path, number: str, folder: Path, looks: Worker, works: Worker) -> None:
        self.path, self.number, self.folder = path, number, folder
        self.store, self.edits, self.lock = FrameStore(path), Edits(folder), threading.RLock()
        self._looks, self._works = looks, works
        self.survey = looks.do(lambda task: survey(path, task.forward))
        self._saved = folder / "found.npz"
        self.detections = Detections.load(self._saved, self.digest)
        self.finding: Task | None = None
        self.following: dict[int, Task] = {}

    def close(self) -> None:
        self.survey.cancel()
        if self.finding:
            self.finding.cancel()
        self.store.close()

    @property
    def surveyed(self) -> Survey:
        """Waits for it."""
        known: Survey = self.survey.wait()
        return known

    def find(self, restorer: "Callable[[], Restorer]") -> None:
        """Begin to look for what hides the scene, unless that is going on."""
        with self.lock:
            if self.finding and not self.finding.done:
                return

            def work(task: Task) -> None:
                found = detect_all(restorer(), self.path, self.surveyed.frames, task.forward)
                found.save(self._saved, self.digest)
                self.detections = found

            self.finding = self._works.do(work)

    def masks(self) -> Masks:
        """Waits for what is being followed: a mask that is half carried along is none."""
        for task in list(self.following.values()):
            if not task.cancelled:
                task.wait()
        return Masks(self.surveyed, self.edits, self.detections)

    def masks_now(self) -> Masks:
        """As they are."""
        return Masks(self.surveyed, self.edits, self.detections)

    def draw(self, layer: int, frame: int, mask: np.ndarray | None) -> None:
        """Make a frame of a layer a key frame, or (None) one no more, and carry the layer along the motion anew."""
        with self.lock:
            if mask is None:
                self.edits.undraw(layer, frame)
            else:
                self.edits.draw(layer, frame, mask)
            self.follow(layer)

    def follow(self, number: int) -> None:
        """Begin to carry a layer that moves along the motion; what was begun before is of no use any more."""
        with self.lock:
            if number in self.following:
                self.following.pop(number).cancel()
            layer = self.edits.layers.get(number)
            if layer is None or not layer.moves or not layer.keys:
                return

            def work(task: Task) -> None:
                masks = follow_layer(layer, self.edits, self.surveyed, self.store, task.forward)
                with self.lock:
                    if not task.cancelled:
                        self.edits.carry(number, masks)

            self.following[number] = self._looks.do(work)

    def state(self) -> dict[str, Any]:
        """What the page shows of it, ready for JSON."""
        finding = self.finding.state() if self.finding else None
        seen = self.survey.result
        with self.lock:
            decisions = {name: {"remove": one.remove, "grow": one.grow} for name, one in self.edits.decisions.items()}
            layers = [self._layer(number) for number in self.edits.layers]
        return {
            "survey": seen.as_json() if seen else None,
            "surveying": self.survey.state(),
            "finding": finding,
            "found": [one.as_json() for one in self.detections.found] if self.detections else None,
            "decisions": decisions,
            "layers": layers,
        }

    def _layer(self, number: int) -> dict[str, Any]:
        layer, task = self.edits.layers[number], self.following.get(number)
        names = "number", "name", "moves", "keeps", "first", "last", "keys"
        return {name: getattr(layer, name) for name in names} | {
            "following": task.state() if task and not task.done else None,
            "error": task.error if task else None,
        }

    @property
    def digest(self) -> str:
        """Of which file detections are: a video that was replaced has others."""
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
