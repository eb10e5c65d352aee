"""How a restoration goes on behind frames that were restored before, bit for bit as if it had never stopped."""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from restore.frame import Frame
from restore.propagation.engine import Propagation
from restore.propagation.flow import estimate
from restore.propagation.provenance import mask_provenance
from restore.propagation.state import State
from restore.propagation.temporal_filter import RADIUS
from restore.restored import Restored, certain

LAST = RADIUS  # frames before the place that are needed: the temporal filter reaches back the farthest


class Resumption:
    """The place behind the end of a segment where a restoration goes on.

    Args:
        known: how many frames are read again of those that are done, at least `LAST` within a scene.
        state: what propagation knew behind them; None where a scene ended.
    """

    def __init__(self, known: int, state: State | None) -> None:
        self._known, self._state = known, state
        self._last: Frame | None = None

    def generated_before(self, frames: Iterable[Frame]) -> list[Restored]:
        """Take the known frames from the stream => the last of them as they were generated; none at a cut, or where
        nothing is generated.
        """
        last = deque(islice(frames, self._known), LAST)
        if self._state is None:
            return []
        previous, self._last = last
        self._last.motion = estimate(self._last, previous)
        if self._state.images is None:
            return []
        return [
            Restored(frame, image, mask_provenance(frame), certain(frame))
            for frame, image in zip(last, self._state.images, strict=True)
        ]

    def begin(self, propagation: Propagation) -> None:
        """Give the state to a new propagation, before its first frame."""
        if self._state is not None:
            assert self._last is not None, "the known frames are read first"
            propagation.resume(self._state, self._last)
