"""A place in a file whose clock may start anew: where recordings were joined, a time alone does not tell."""

from fractions import Fraction
from typing import NamedTuple

import av

from restore.video.info import JOINABLE
from restore.video.timestamps import AHEAD, BACK

FOREVER = Fraction(10**9)  # seconds


class Place(NamedTuple):
    """How often the clock of a stream has started anew before, and the time in seconds since. Places are in order."""

    seam: int
    time: Fraction


def between(end: Place, start: Place) -> Place:
    """Where one part ends and the next begins, for streams whose packets do not start with the picture: half way
    between the end of the last picture of one and the start of the first of the other, or where the clock starts anew.
    """
    return Place(start.seam, (end.time + start.time) / 2 if end.seam == start.seam else -FOREVER)


class Clock:
    """Finds the places of the pictures of a stream, in their order.

    Args:
        container: FFmpeg's name of the format.
        step: seconds from one picture to the next.
    """

    def __init__(self, container: str, step: Fraction) -> None:
        self._leaps, self._step = container in JOINABLE, step
        self._place: Place | None = None

    @property
    def end(self) -> Place:
        """Where the last picture ends."""
        seam, time = self._place or Place(0, Fraction(0))
        return Place(seam, time + self._step)

    def place(self, frame: av.VideoFrame) -> Place:
        """The place of the next picture; one without a time is where the one before it is."""
        last = self._place or Place(0, Fraction(0))
        if frame.pts is not None and frame.time_base is not None:
            time = frame.pts * frame.time_base
            anew = self._place is not None and (time < last.time - BACK or (self._leaps and time > last.time + AHEAD))
            self._place = last = Place(last.seam + anew, time)
        return last
