"""Presentation timestamps that always move forward.

A decoder hands frames out in presentation order, but the stamps on them may be missing or swapped: AVI stores none, and
FFmpeg guesses wrong for XviD's packed B-frames (1, 2, 4, 3, 5, 7, 6, ...). The set of stamps is right; it is dealt out
sorted. Where two recordings were joined, the stamps start anew: the second is moved behind the first.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

from restore.video.info import RAW, VideoInfo

# How far apart two swapped stamps may stand. Each costs one decoded frame of memory. An AVI stores frames in the order
# of decoding, in which H.264 moves them by up to 16 places.
LOOKAHEAD, LOOKAHEAD_OF_AVI = 3, 16
# Stamps that run back by more are those of another recording, and so are, in transport streams, which have no pauses,
# those that leap ahead by more (as FFmpeg's own command has it).
BACK, AHEAD = Fraction(1), Fraction(10)  # seconds
WITHOUT_PAUSES = {"mpegts", "mpeg"}
# Stamps beyond, forward or back, are damage: 136 years, in seconds, and what FFmpeg's 64 bits leave for conversions.
LATEST, LATEST_TICKS = 1 << 32, 1 << 61


class Timestamps:
    """Deals the stamps out to the frames, and counts in `retimed` the frames that had none that makes sense.

    Args:
        step: the time from one frame to the next where no stamp states it; all are in units of the stream's time base.
        held: how many frames wait until their stamps are in order.
        back, ahead: what stamps differ by at least where another recording begins; None: they never leap ahead.
        made_up: the stamps are FFmpeg's own; the frames are one `step` apart.
        moves: the list that takes what is added to the stamps of each further recording.
        latest: stamps beyond, forward or back, are not usable.
    """

    def __init__(
        self,
        step: int,
        held: int = LOOKAHEAD,
        *,
        back: int | None = None,
        ahead: int | None = None,
        made_up: bool = False,
        moves: list[int] | None = None,
        latest: int = LATEST_TICKS,
    ) -> None:
        self.retimed, self._latest = 0, latest
        self.step = max(1, step)
        self.moves: list[int] = [] if moves is None else moves
        self._held = held
        self._back, self._ahead, self._made_up = back, ahead, made_up

    @classmethod
    def of(cls, info: VideoInfo) -> "Timestamps":
        """For the frames of a video."""

        def ticks(seconds: Fraction) -> int:
            return round(seconds / info.time_base)

        return cls(
            ticks(1 / info.rate),
            LOOKAHEAD_OF_AVI if info.container == "avi" else LOOKAHEAD,
            back=max(ticks(BACK), ticks(LOOKAHEAD_OF_AVI / info.rate)),
            ahead=ticks(AHEAD) if info.container in WITHOUT_PAUSES else None,
            made_up=info.container in RAW,
            moves=info.moves,
            latest=min(LATEST_TICKS, ticks(Fraction(LATEST))),
        )

    def assign(self, frames: Iterable[av.VideoFrame], offset: int = 0) -> Iterator[tuple[av.VideoFrame, int]]:
        """Yield each frame with its pts, strictly increasing; `offset` is subtracted from every stamp."""
        waiting: deque[av.VideoFrame] = deque()
        stamps: list[int] = []
        newest = last = None
        for index, frame in enumerate(frames):
            stamp = frame.pts if frame.pts is not None else frame.dts
            if self._made_up:
                stamp = index * self.step
            elif stamp is None or abs(stamp) > self._latest:
                self.retimed += 1
                stamp = 0 if newest is None else newest + self.step
            elif newest is not None:
                stamp = self._joined(stamp, newest)
            newest = stamp if newest is None else max(newest, stamp)
            waiting.append(frame)
            heapq.heappush(stamps, stamp)
            if len(waiting) > self._held:
                last = self._forward(heapq.heappop(stamps), last)
                yield waiting.popleft(), last - offset
        while waiting:
            last = self._forward(heapq.heappop(stamps), last)
            yield waiting.popleft(), last - offset

    def _joined(self, stamp: int, newest: int) -> int:
        """The stamp as it is in the first recording's time."""
        moved = stamp + (self.moves[-1] if self.moves else 0)
        runs_back = self._back is not None and moved < newest - self._back
        leaps = self._ahead is not None and moved > newest + self._ahead
        if runs_back or leaps:
            self.moves.append(newest + self.step - stamp)
            moved = newest + self.step
        return moved

    def _forward(self, stamp: int, last: int | None) -> int:
        if last is None or stamp > last:
            return stamp
        self.retimed += 1
        return last + self.step
