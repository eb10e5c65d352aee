"""Instances of obstructions in one frame: connected components of the mask, each of one kind.

Parts across a small gap are one instance: the letters of a text, the leaves of a bough. How wide a gap depends on the
kind.
"""

from dataclasses import dataclass

import numpy as np

from restore.detection.components import Box, components
from restore.kinds import KINDS

INSTANCE_THRESHOLD = 0.5  # probability above which a pixel belongs to an instance
INSTANCE_GAP = 1 / 40  # of the shorter side; 6 px of 240
# One obstruction may be in many places: a bough's leaves, the splashes of one dirt. Dust lasts a frame and scratches
# come and go: all of them are one damaged film, and would be a hundred instances each second.
SCATTERED_GAPS = {"leaves": 1 / 5, "dirt": 1 / 2, "scratches": 1 / 2}  # in place of `INSTANCE_GAP`
SMALLEST_INSTANCE = 0.001  # of the frame's pixels


@dataclass(frozen=True)
class Instance:
    """One obstruction in one frame.

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

    There are at most 1 / `SMALLEST_INSTANCE` of them, however ragged the mask.

    Args:
        probability: float32 `H W` in [0, 1], that the pixel is hidden.
        kinds: uint8 `H W`, what hides the pixel, if anything does: an index into `KINDS`.

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
    hidden = probability > INSTANCE_THRESHOLD
    least = max(1, SMALLEST_INSTANCE * hidden.size)
    if np.count_nonzero(hidden) < least:
        return []
    found = []
    for index in np.flatnonzero(np.bincount(kinds[hidden], minlength=len(KINDS)) >= least):
        kind = KINDS[index]
        gap = SCATTERED_GAPS.get(kind, INSTANCE_GAP) * min(hidden.shape)
        for component in components(hidden & (kinds == index), gap, least):
            scores = probability[component.part][component.mask]
            share = scores.size / hidden.size
            found.append(Instance(kind, float(scores.mean(dtype=float)), share, component.box, component.mask))
    return sorted(found, key=lambda instance: -instance.share)
