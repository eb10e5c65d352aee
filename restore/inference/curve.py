"""A curve over the length of a video, in memory that does not grow with it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST = 360  # runs: as many as a chart can show; even, so that each has a neighbour to be merged with


class Curve:
    """Means over runs of equally many frames: of one frame each at first, and, whenever there are `MOST` runs, of twice
    as many.

    >>> curve = Curve()
    >>> for frame in range(1000):
    ...     curve.add(frame / 25, [frame, 7])
    >>> curve.span, curve.means()[:2].tolist(), curve.starts()[:3].tolist(), curve.end
    (4, [[1.5, 7.0], [5.5, 7.0]], [0.0, 0.16, 0.32], 40.0)
    """

    def __init__(self) -> None:
        self.span, self.frames = 1, 0  # frames in a run, and in all
        self._sums: list[np.ndarray] = []
        self._starts: list[float] = []
        self._last = 0.0

    def add(self, seconds: float, values: Sequence[float]) -> None:
        """The next frame: its time, and the value of each curve."""
        if self.frames == MOST * self.span:
            self._sums = [a + b for a, b in zip(self._sums[::2], self._sums[1::2], strict=True)]
            self._starts = self._starts[::2]
            self.span *= 2
        if self.frames % self.span == 0:
            self._sums.append(np.zeros(len(values)))
            self._starts.append(seconds)
        self._sums[-1] += values
        self.frames, self._last = self.frames + 1, seconds

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        sums = [values.tolist() for values in self._sums]
        return {"span": self.span, "frames": self.frames, "sums": sums, "starts": [*self._starts], "last": self._last}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another had this `state`."""
        self.span, self.frames, self._last = state["span"], state["frames"], state["last"]
        self._sums, self._starts = [np.array(values) for values in state["sums"]], [*state["starts"]]

    def means(self) -> np.ndarray:
        """float64 `N K`: of each run, of each curve."""
        counts = np.full((len(self._sums), 1), self.span)
        counts[-1] = self.frames - self.span * (len(self._sums) - 1)
        return np.stack(self._sums) / counts

    def starts(self) -> np.ndarray:
        """float64 `N`: when each run begins, in seconds."""
        return np.array(self._starts)

    @property
    def end(self) -> float:
        """When the last frame ends, in seconds, if it is as long as the others are on average."""
        return self._last + (self._last - self._starts[0]) / max(1, self.frames - 1)

    def time_of(self, frame: int) -> float:
        """When a frame is displayed, in seconds: exactly at the start of a run, and in between if frames are equally
        long.
        """
        known = np.arange(len(self._starts)) * self.span
        return float(np.interp(frame, [*known, self.frames - 1], [*self._starts, self._last]))
