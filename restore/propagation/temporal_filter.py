"""What was hidden, once it is restored, averaged with what its neighbours in time show there.

What one frame hides the next may show, and show better than any copy of the degraded picture; and what no frame saw is
generated in each of them anew, and errs less on average.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import cv2
import numpy as np

from restore.propagation.flow import Motion

REACH = 2  # frames before and after that are asked; a third gains 0.03 dB in holes
KEPT = 0.9  # of a frame's weight for each frame that it is away
HIDDEN = 0.5  # what a pixel that was hidden there weighs, beside one in view
ALIKE = 20.0  # levels; what differs by more is another thing: the flow does not know what passes behind an obstruction
ROW = 1024  # pixels; OpenCV samples pictures, of no more than 32,767 rows


@dataclass(frozen=True)
class Shown:
    """A restored frame.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        hidden: bool `H W`, where it was hidden before.
        motion: how it corresponds with the frame before it; None for the first.
    """

    image: np.ndarray
    hidden: np.ndarray
    motion: Motion | None

    @cached_property
    def discount(self) -> np.ndarray:
        """float32 `H W`, how much less than one in view each pixel weighs."""
        return self.hidden * np.float32(1 - HIDDEN)


def settled(frames: Sequence[Shown], at: int) -> np.ndarray:
    """The image of frame `at`, what was hidden in it averaged with the other `frames` along the motion, uint8 `H W 3`.
    What was in view stays as it is.

    >>> nowhere, sure = np.zeros((1, 1, 2), np.float32), np.ones((1, 1), np.float32)
    >>> still = Motion(nowhere, nowhere, sure, sure)
    >>> seen, filled, other = (np.full((1, 1, 3), level, np.uint8) for level in (100, 110, 220))
    >>> frames = [Shown(seen, sure == 0, None), Shown(filled, sure == 1, still), Shown(other, sure == 1, still)]
    >>> [settled(frames, at).item(0) for at in (0, 1, 2)]
    [100, 104, 220]
    """
    own = frames[at]
    rows, columns = np.nonzero(own.hidden)
    if not len(rows):
        return own.image
    colours = own.image[rows, columns].astype(np.float32)
    total, weights = HIDDEN * colours, np.full((len(rows), 1), HIDDEN, np.float32)
    start = np.stack([columns, rows], 1).astype(np.float32)
    for way in (_past(frames[: at + 1]), _future(frames[at:])):
        where, trust = start, np.ones(len(rows), np.float32)
        for other, flow, trusted in way:
            trust = KEPT * trust * _sampled(trusted, where)
            where = where + _sampled(flow, where)
            there = _sampled(other.image, where).astype(np.float32)
            alike = np.exp(-np.square(there - colours).mean(1) / ALIKE**2)
            weight = (trust * alike * (1 - _sampled(other.discount, where)))[:, None]
            total += weight * there
            weights += weight
    image = own.image.copy()
    image[rows, columns] = np.rint(total / weights)
    return image


Step = tuple[Shown, np.ndarray, np.ndarray]  # a frame, the flow to it from the one nearer, and the trust in that


def _past(frames: Sequence[Shown]) -> Iterator[Step]:
    """From the last frame backwards."""
    for nearer, other in pairwise(reversed(frames)):
        assert nearer.motion is not None
        yield other, nearer.motion.to_previous, nearer.motion.trust


def _future(frames: Sequence[Shown]) -> Iterator[Step]:
    """From the first frame on."""
    for other in frames[1:]:
        assert other.motion is not None
        yield other, other.motion.from_previous, other.motion.trust_back


def _sampled(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A picture `H W` or `H W C` at `N` places, float32 `N 2` of (x, y): `N` or `N C`; zero outside the picture."""
    count = len(where)
    folded = np.full((-(-count // ROW) * ROW, 2), -9, np.float32)  # the last row is filled up from outside
    folded[:count] = where
    there = cv2.remap(picture, folded.reshape(-1, ROW, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[call-overload]
    return np.asarray(there.reshape(-1, *picture.shape[2:])[:count])
