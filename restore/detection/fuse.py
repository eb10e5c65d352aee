"""What finder and segmenter say of a frame, as one.

The segmenter has learned where most clips are hidden, and would see things in a clean one; it is believed of patches,
and only of those that it is sure of somewhere: a threshold that high for every pixel would cut off their rims
(hysteresis, Canny 1986).
"""

from collections.abc import Sequence

import numpy as np

from restore.detection.components import joined
from restore.kinds import BOXES, KINDS

# Chosen on training clips.
# Log-odds above which the segmenter is sure that something hides the scene, by kind: much of a clean scene looks like
# dirt or leaves...
SURE = np.array([{"leaves": 5.75, "dirt": 5.75}.get(kind, 3.0) for kind in KINDS])
SURE_SHARE = 4e-4  # ...where it is of so many of the frame's pixels; 31 of 320x240
NEAR = 1 / 5  # of the frame's shorter side: parts of one kind no further apart are one patch
TRACE = 0.1  # probability at most where a box was a frame ago, or will be
VETO = 3.0  # how much more the segmenter's word counts than the finder's, where it sees nothing
DOUBTED = -2.0  # log-odds at most of what is seen and not believed


# Of a frame: the finder's probability `H W`, the segmenter's, and its indices into `KINDS`, uint8.
Said = tuple[np.ndarray, np.ndarray, np.ndarray]


def without_traces(said: Sequence[Said], at: int) -> Said:
    """What is said of frame `at`, less what the segmenter sees where both see a box in another of these frames and the
    finder sees none in this one: a box that comes and goes leaves a trace in its differences.

    >>> box, none = np.array([[0.9]]), np.array([[0.0]])
    >>> kind = np.array([[BOXES]], np.uint8)
    >>> [without_traces([(box, box, kind), (now, box, kind)], 1)[1].item() for now in (none, box)]
    [0.1, 0.9]
    """
    boxes, hidden, kinds = said[at]
    were = np.any([(a > 0.5) & (b > 0.5) & (kind == BOXES) for a, b, kind in said], 0)
    return boxes, np.where(were & (boxes <= 0.5), np.minimum(hidden, TRACE), hidden), kinds


def together(boxes: np.ndarray, hidden: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability that a pixel is hidden, float32, and its kind, uint8, both `H W`.

    The finder knows the edges of boxes, and is believed the less the less the segmenter sees there; what it alone sees,
    if the segmenter is not sure that there is nothing, is a box. For the rest, and for boxes that it missed, it is the
    segmenter that is asked.

    Args:
        boxes: the finder's probability, `H W`.
        hidden: the segmenter's, `H W`.
        kinds: the segmenter's indices into `KINDS`, uint8 `H W`.

    >>> finder, segmenter = np.array([[0.9, 0, 0, 0, 0, 0.0]]), np.array([[0.4, 0.1, 0.999, 0.8, 0.1, 0.1]])
    >>> text = np.full((1, 6), KINDS.index("text"), np.uint8)
    >>> surest, named = together(finder, segmenter, text)
    >>> [f"{p:.2f} {KINDS[kind]}" if p > 0.5 else "" for p, kind in zip(surest[0], named[0])]
    ['0.73 boxes', '', '1.00 text', '0.80 text', '', '']
    """
    finder, segmenter = _logit(boxes), _logit(hidden)
    box = finder + VETO * np.minimum(segmenter, 0)
    believed = _believed(segmenter, kinds, box > 0)
    surest = np.maximum(box, np.where(believed, segmenter, np.minimum(segmenter - SURE[kinds], DOUBTED)))
    probability = (1 / (1 + np.exp(-surest))).astype(np.float32)
    return probability, np.where((box > 0) & (segmenter <= 0), np.uint8(BOXES), kinds)


def _believed(segmenter: np.ndarray, kinds: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The patches that are believed, bool `H W`."""
    seen, sure = segmenter > 0, segmenter > SURE[kinds]
    least = max(1, SURE_SHARE * seen.size)
    believed = np.zeros_like(seen)
    for kind in np.flatnonzero(np.bincount(kinds[sure], minlength=len(KINDS)) >= least):
        own = seen & (kinds == kind)
        numbers, things = joined(own, NEAR * min(own.shape))
        kept = np.bincount(numbers[own & sure], minlength=len(things)) >= least
        if kind == BOXES:  # one that the finder saw has the finder's edges
            area, shared = (np.bincount(numbers[part], minlength=len(things)) for part in (own, own & box))
            kept &= shared < area / 2
        believed |= own & kept[numbers]
    return believed


def _logit(probability: np.ndarray) -> np.ndarray:
    probability = probability.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(probability / (1 - probability)))
