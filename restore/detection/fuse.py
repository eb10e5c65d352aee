"""Fusion of the finder's and the segmenter's logits into one mask.

The segmenter learned on clips most of which are obstructed, and detects something in clean ones as well. Its detections
are therefore accepted by hysteresis (Canny 1986, doi:10.1109/TPAMI.1986.4767851): a connected component of pixels above
the low threshold counts as a whole if enough of its pixels are above the high one. The high threshold alone would cut
off the rims.

All logits are float32 `H W`; above 0 a pixel is more likely hidden than not.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from restore.detection.components import Component, components
from restore.kinds import BOXES, KINDS

CERTAIN = 13.8  # logits beyond are cut off, so that neither network outweighs the other without bound
PERSISTENT = np.isin(KINDS, ["dirt", "drops", "flare", "text"])  # by kind: does not appear for a single frame

# Chosen on training clips.
# High threshold by kind: much of a clean scene resembles dirt or leaves...
HIGH = np.array([{"leaves": 5.75, "dirt": 5.75}.get(kind, 3.0) for kind in KINDS], np.float32)
HIGH_SHARE = 4e-4  # ...and the share of the frame's pixels that must be above it; 31 px of 320x240
REGION_GAP = 1 / 5  # of the shorter side: parts of one kind no further apart are one region
TRACE = float(np.log(0.1 / 0.9))  # logit at most where a moving box was a frame before, or will be a frame after
VETO = 3.0  # weight of a negative logit of the segmenter against one of the finder
REJECTED = -2.0  # logit at most of a detection that is not accepted


def strongest(scores: np.ndarray) -> np.ndarray:
    """The index of the greatest score, float32 `K H W` => uint8 `H W`: an argmax in less than half of NumPy's time.

    >>> strongest(np.float32([[[1, 4]], [[2, 3]], [[2, 5]]])).tolist()
    [[1, 2]]
    """
    greatest = np.ascontiguousarray(scores[0])
    indices = np.zeros(greatest.shape, np.uint8)
    for index, score in enumerate(map(np.ascontiguousarray, scores[1:]), 1):
        greater = score > greatest
        greatest = np.maximum(greatest, score)
        np.maximum(indices, greater.view(np.uint8) * np.uint8(index), out=indices)
    return indices


def temporal_median(previous: np.ndarray, now: np.ndarray, following: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """The segmenter's logits of three consecutive frames => those of the middle one without flicker.

    The median is taken at pixels of persistent kinds; boxes, leaves and scratches may appear for a single frame.

    Args:
        kinds: uint8 `H W`, of the middle frame, indices into `KINDS`.

    >>> logits = (np.float32([[p]]) for p in (4, -3, 5))
    >>> temporal_median(*logits, np.array([[KINDS.index("text")]], np.uint8)).item()
    4.0
    """
    median = np.maximum(np.minimum(previous, now), np.minimum(np.maximum(previous, now), following))
    filtered = now.copy()
    np.copyto(filtered, median, where=PERSISTENT.take(kinds))
    return filtered


def agreed_boxes(finder: np.ndarray, segmenter: np.ndarray, kinds: np.ndarray) -> np.ndarray | None:
    """Where both networks see a box, bool `H W`; None if nowhere."""
    both = (finder > 0) & (segmenter > 0) & (kinds == BOXES)
    return both if both.any() else None


def suppress_traces(segmenter: np.ndarray, finder: np.ndarray, boxes: Sequence[np.ndarray | None]) -> np.ndarray:
    """The segmenter's logits of a frame without the traces of moving boxes.

    The segmenter reads differences between frames, in which a box leaves a trace where it was and where it will be.
    There, and where the finder sees no box now, the logit is at most `TRACE`.

    Args:
        boxes: `agreed_boxes` of the frame and of its neighbours.

    >>> box, logits = np.array([[True]]), np.float32([[5]])
    >>> [round(suppress_traces(logits, finder, [None, box]).item(), 2) for finder in (-logits, logits)]
    [-2.2, 5.0]
    """
    masks = [mask for mask in boxes if mask is not None]
    if not masks:
        return segmenter
    trace = np.logical_or.reduce(masks) & (finder <= 0)
    suppressed = segmenter.copy()
    np.minimum(suppressed, TRACE, out=suppressed, where=trace)
    return suppressed


def fuse(finder: np.ndarray, segmenter: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability that a pixel is hidden, float32 `H W` in [0, 1], and its kind, uint8 `H W`.

    The finder draws the edges of boxes; a negative logit of the segmenter counts against it. A pixel that the finder
    alone detects is a box, unless the segmenter is certain that it is not. All else, boxes that the finder missed
    included, is the segmenter's, where hysteresis accepts it.

    Args:
        finder: its logits.
        segmenter: its logits.
        kinds: the segmenter's indices into `KINDS`, uint8 `H W`.

    >>> finder, segmenter = np.float32([[2.2, -9, -9, -9, -9]]), np.float32([[-0.4, -2.2, 6.9, 1.4, -2.2]])
    >>> text = np.full((1, 5), KINDS.index("text"), np.uint8)
    >>> probability, fused = fuse(finder, segmenter, text)
    >>> [f"{p:.2f} {KINDS[kind]}" if p > 0.5 else "" for p, kind in zip(probability[0], fused[0])]
    ['0.73 boxes', '', '1.00 text', '0.80 text', '']
    """
    finder, segmenter = finder.clip(-CERTAIN, CERTAIN), segmenter.clip(-CERTAIN, CERTAIN)
    box = finder + np.float32(VETO) * np.minimum(segmenter, 0)
    above = segmenter - HIGH.take(kinds)
    logits = np.maximum(box, np.minimum(above, REJECTED))
    for component in _hysteresis(segmenter, above > 0, kinds, box):
        part = logits[component.part]
        np.maximum(part, segmenter[component.part], out=part, where=component.mask)
    # PyTorch's sigmoid takes a third of the time of NumPy's exponential.
    probability = torch.from_numpy(logits).sigmoid_().numpy()
    boxes_alone = (box > 0) & (segmenter <= 0)
    if boxes_alone.any():
        kinds = kinds.copy()
        kinds[boxes_alone] = BOXES
    return probability, kinds


def _hysteresis(segmenter: np.ndarray, high: np.ndarray, kinds: np.ndarray, box: np.ndarray) -> Iterator[Component]:
    """The connected components that are accepted, each of one kind.

    Args:
        high: bool `H W`, pixels above the high threshold.
        box: the finder's logits after the segmenter's veto.
    """
    least = max(1, HIGH_SHARE * high.size)
    if np.count_nonzero(high) < least:
        return
    low = segmenter > 0
    for kind in np.flatnonzero(np.bincount(kinds[high], minlength=len(KINDS)) >= least):
        for component in components(low & (kinds == kind), REGION_GAP * min(high.shape), least):
            part, own = component.part, component.mask
            if np.count_nonzero(high[part] & own) < least:
                continue
            # A box of which the finder detected half keeps the finder's edges.
            if kind == BOXES and 2 * np.count_nonzero(own & (box[part] > 0)) >= np.count_nonzero(own):
                continue
            yield component
