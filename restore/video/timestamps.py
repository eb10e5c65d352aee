"""Presentation timestamps that always move forward.

A decoder hands frames out in presentation order, but the stamps on them may be missing or swapped: AVI stores none, and
FFmpeg guesses wrong for XviD's packed B-frames (1, 2, 4, 3, 5, 7, 6, ...). The set of stamps is right; it is dealt out
sorted.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

import av

# How far apart two swapped stamps may stand. Each costs one decoded frame of memory.
LOOKAHEAD = 3


class Timestamps:
    """Deals the stamps out to the frames, and counts in `retimed` the frames that had none usable.

    `step`, in units of the stream's time base, is the time from one frame to the next, where no stamp tells it.
    """

    def __init__(self, step: int) -> None:
        self.retimed = 0
        self._step = max(1, step)

    def assign(self, frames: Iterable[av.VideoFrame], offset: int = 0) -> Iterator[tuple[av.VideoFrame, int]]:
        """Yield each frame with its pts, strictly increasing; `offset` is subtracted from every stamp."""
        waiting: deque[av.VideoFrame] = deque()
        stamps: list[int] = []
        newest = last = None
        for frame in frames:
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                self.retimed += 1
                stamp = 0 if newest is None else newest + self._step
            newest = stamp if newest is None else max(newest, stamp)
            waiting.append(frame)
            heapq.heappush(stamps, stamp)
            if len(waiting) > LOOKAHEAD:
                last = self._forward(heapq.heappop(stamps), last)
                yield waiting.popleft(), last - offset
        while waiting:
            last = self._forward(heapq.heappop(stamps), last)
            yield waiting.popleft(), last - offset

    def _forward(self, stamp: int, last: int | None) -> int:
        if last is None or stamp > last:
            return stamp
        self.retimed += 1
        return last + self._step
