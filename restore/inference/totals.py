"""What a report says of all frames of a video, gathered frame by frame."""

from time import perf_counter
from typing import Any

import numpy as np

from restore.inference.found import Found
from restore.inference.html_report import HtmlReport
from restore.inference.lights import Lights
from restore.light.setting import Setting
from restore.propagation.provenance import NAMES, shares
from restore.restored import Restored
from restore.scoring.report import Scores


class Totals:
    """Counts and means over the frames so far. `frames` is how many; of interlaced video they are fields.

    Args:
        scored: whether there is an original to score against.
        lpips: also score LPIPS, on `device`.
        light: what light was asked for. What is given is no part of the state: such a run is not resumed.
        page: gathers what it displays, too.
    """

    def __init__(
        self, *, scored: bool, lpips: bool, device: str, light: Setting = "off", page: HtmlReport | None = None
    ) -> None:
        self.frames = 0
        self.regions: list[dict[str, Any]] = []  # that were regenerated; the refiner appends to it
        self._hidden, self._codes = 0.0, np.zeros(len(NAMES), np.int64)
        self._found, self._lights, self._page = Found(), Lights(light), page
        self._scores = [Scores(lpips=lpips, device=device) for _ in range(2)] if scored else []
        self._started, self._before = perf_counter(), 0.0

    @property
    def seconds(self) -> float:
        """That were worked on it, of what is resumed those before too."""
        return self._before + perf_counter() - self._started

    def add(self, result: Restored, original: np.ndarray | None) -> None:
        """The next frame; `original`: uint8 `H W 3`, if there is one."""
        self._found.add(result)
        self._lights.add(result.frame)
        if self._page:
            self._page.add(result, original)
        self.frames += 1
        self._hidden += float(result.mask.mean())
        self._codes += np.bincount(result.provenance.ravel(), minlength=len(NAMES))
        if original is not None:
            for scores, image in zip(self._scores, (result.frame.given, result.image), strict=True):
                scores.add(image, original, result.mask)

    def report(self) -> tuple[dict[str, Any], list[str]]:
        """What is known after the last frame, by the report's names, and lines that warn (`Found.report`)."""
        lists, lines = self._found.report()
        means = {"hidden": round(self._hidden / self.frames, 6), "provenance": shares(self._codes)}
        scores = dict(zip(("before", "after"), (scores.summary() for scores in self._scores), strict=False))
        return lists | means | {
            "light": self._lights.report(),
            "scores": scores or None,
        }, self._lights.warnings() + lines

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        return {
            "frames": self.frames,
            "seconds": self.seconds,
            "hidden": self._hidden,
            "codes": self._codes.tolist(),
            "found": self._found.state(),
            "scores": [scores.state() for scores in self._scores],
            "page": self._page and self._page.state(),
            # Those of the frames behind are found while these are written.
            "regions": [region for region in self.regions if region["frames"][0] < self.frames],
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where others had this `state`."""
        self.frames, self._before, self._hidden = state["frames"], state["seconds"], state["hidden"]
        self._codes = np.array(state["codes"], np.int64)
        self._found.resume(state["found"])
        for scores, own in zip(self._scores, state["scores"], strict=True):
            scores.resume(own)
        if self._page:
            self._page.resume(state["page"])
        self.regions[:] = state["regions"]
