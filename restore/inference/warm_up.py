"""From which frame on a video is read again where its restoration goes on, so that all that follows is the same.

Detection looks at windows of frames, so whatever begins to detect detects the same after some frames; only where a
scene ends is decided by comparing with the last frame that could be compared, however long before. The final masks
decide the scenes anew, likewise.
"""

from restore.detection.detect import SEGMENTER_FRAMES
from restore.propagation.resumption import LAST

# Frames behind one that can be compared, from which on the detection is the same: 11 of the segmenter's windows and
# medians, and twice the 13 that a proof looks back, as one that was proven a moment ago remains; and some more.
DETECTION = 48
# Networks see up to 4 frames at once (`frames_at_once`), and every fourth is a key frame: both begin where they did.
STEP = 3 * SEGMENTER_FRAMES


class WarmUp:
    """Where to begin for each place: frames are added in order.

    Args:
        detects: whether the masks, or a part of them, are detected.
        begin, frames: where one began to read, and how many frames were done there: 0 and 0 at the begin of the video.

    >>> warm_up = WarmUp(detects=True)
    >>> for _ in range(240):
    ...     warm_up.add(comparable=True)
    >>> warm_up.begin
    180
    """

    def __init__(self, *, detects: bool, begin: int = 0, frames: int = 0) -> None:
        self._detects, self._first = detects, frames
        self._earliest = begin
        self._comparable = bytearray()

    def add(self, *, comparable: bool) -> None:
        """The next frame; whether a cut can be told from it."""
        self._comparable.append(comparable)

    @property
    def begin(self) -> int:
        """The frame to begin at, if the frames so far are done."""
        at = self._last_comparable(len(self._comparable) - LAST)
        if self._detects and at is not None:
            at = self._last_comparable(at - DETECTION)
        # Where no frame can be compared, one begins where one began before.
        return self._earliest if at is None else (self._first + at) // STEP * STEP

    def _last_comparable(self, end: int) -> int | None:
        """The last such frame up to `end`, counted from the first that was added."""
        at = self._comparable.rfind(True, 0, max(0, end + 1))
        return None if at < 0 else at
