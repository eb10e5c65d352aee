"""Presentation timestamps that always move forward.

A decoder hands frames out in presentation order, but the stamps on them may be missing or swapped: AVI stores none, and
FFmpeg guesses wrong for XviD's packed B-frames (1, 2, 4, 3, 5, 7, 6, ...). The set of stamps is right; it is dealt out
sorted.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

import av

from restore.video.info import VideoInfo

# How far apart two swapped stamps may stand. Each costs one decoded frame of memory. An AVI stores frames in the order
# of decoding, in which H.264 moves them by up to 16 places.
LOOKAHEAD, LOOKAHEAD_OF_AVI = 3, 16


def lookahead(info: VideoInfo) -> int:
    """How many frames are held to put their stamps in order."""
    return LOOKAHEAD_OF_AVI if info.container == "avi" else LOOKAHEAD


class Timestamps:
    """Deals the stamps out to the frames, and counts in `retimed` the frames that had none usable.

    `step`, in units of the stream's time base, is the time from one frame to the next, where no stamp states it.
    `held` is how many frames wait until their stamps are in order.
    """

    def __init__(self, step: int, held: int = LOOKAHEAD) -> None:
        self.retimed = 0
        self.step = max(1, step)
        self._held = held

    def assign(self, frames: Iterable[av.VideoFrame], offset: int = 0) -> Iterator[tuple[av.VideoFrame, int]]:
        """Yield each frame with its pts, strictly increasing; `offset` is subtracted from every stamp."""
        waiting: deque[av.VideoFrame] = deque()
        stamps: list[int] = []
        newest = last = None
        for frame in frames:
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                self.retimed += 1
                stamp = 0 if newest is None else newest + self.step
            newest = stamp if newest is None else max(newest, stamp)
            waiting.append(frame)
            heapq.heappush(stamps, stamp)
            if len(waiting) > self._held:
                last = self._forward(heapq.heappop(stamps), last)
                yield waiting.popleft(), last - offset
        while waiting:
            last = self._forward(heapq.heappop(stamps), last)
            yield waiting.popleft(), last - offset

    def _forward(self, stamp: int, last: int | None) -> int:
        if last is None or stamp > last:
            return stamp
        self.retimed += 1
        return last + self.step
