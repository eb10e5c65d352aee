"""The things that hide the scene in one frame: from what is said of each pixel to a few instances, each of one kind.

The connected components of a mask are its instances, but for parts that lie close to each other, which are one: the
letters of a text, the leaves of a bough. How close depends on the kind.
"""

from dataclasses import dataclass

import numpy as np

from restore.detection.components import Box, joined
from restore.kinds import KINDS

LIKELY = 0.5  # probability above which a pixel belongs to an instance
NEAR = 1 / 40  # of the frame's shorter side: parts no further apart are one; 6 px of 240
# One thing may be in many places: a bough's leaves, the splashes of one dirt. Specks of dust are gone with the next
# frame and lines come and go: together they are a damaged film; one by one, each second of it would be a hundred.
SCATTERED = {"leaves": 1 / 5, "dirt": 1 / 2, "scratches": 1 / 2}  # NEAR of these kinds
LEAST = 0.001  # of the frame; what is smaller is no instance


@dataclass(frozen=True)
class Instance:
    """One thing in one frame.

    Attributes:
        kind: one of `KINDS`.
        score: the mean probability of its pixels, in (0.5, 1].
        share: of the frame's pixels, how many are its own, in (0, 1].
        box: the smallest box around its pixels, in px.
        mask: bool, as large as the box, True at its pixels.
    """

    kind: str
    score: float
    share: float
    box: Box
    mask: np.ndarray


def instances(probability: np.ndarray, kinds: np.ndarray) -> list[Instance]:
    """The instances of a frame, largest first. Each hidden pixel belongs to one of them, or to none that is too small.

    However ragged the mask, there is room for no more than 1 / `LEAST` of them.

    Args:
        probability: float32 `H W` in [0, 1], that the pixel is hidden.
        kinds: uint8 `H W`, by what, if it is: an index into `KINDS`.

    Raises:
        ValueError: the two differ in shape.

    >>> probability, kinds = np.zeros((240, 320), np.float32), np.zeros((240, 320), np.uint8)
    >>> probability[50:90, 100:130] = probability[50:90, 135:150] = 0.75  # 5 px apart
    >>> kinds[:, :] = KINDS.index("text")
    >>> [(found.kind, found.score, found.share, found.box) for found in instances(probability, kinds)]
    [('text', 0.75, 0.0234375, (100, 50, 150, 90))]
    """
    if probability.shape != kinds.shape:
        raise ValueError(f"probability and kinds must be of one shape, got {probability.shape} and {kinds.shape}")
    hidden = probability > LIKELY
    least = max(1, LEAST * hidden.size)
    counts = np.bincount(kinds[hidden], minlength=len(KINDS))
    found = [
        instance
        for index in np.flatnonzero(counts >= least)
        for instance in _of_one_kind(hidden & (kinds == index), probability, KINDS[index], least)
    ]
    return sorted(found, key=lambda instance: -instance.share)


def _of_one_kind(own: np.ndarray, probability: np.ndarray, kind: str, least: float) -> list[Instance]:
    numbers, boxes = joined(own, SCATTERED.get(kind, NEAR) * min(own.shape))
    inside = numbers[own]
    areas = np.bincount(inside, minlength=len(boxes))
    scores = np.bincount(inside, probability[own], minlength=len(boxes)) / np.maximum(areas, 1)
    found = []
    for number in np.flatnonzero(areas >= least):
        left, top, right, bottom = box = boxes[number]
        part = slice(top, bottom), slice(left, right)
        mask = own[part] & (numbers[part] == number)
        found.append(Instance(kind, float(scores[number]), float(areas[number] / own.size), box, mask))
    return found
