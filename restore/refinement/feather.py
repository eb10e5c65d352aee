"""How regenerated content is put back into its picture: a fade inside the hole, nothing changed outside it."""

import cv2
import numpy as np


def feathered(hole: np.ndarray, *, feather: float) -> np.ndarray:
    """The share of the regenerated picture in each pixel: float32 `H W` in [0, 1].

    It is 0 outside the hole and rises inside it over `feather` pixels from its edge (Euclidean distance) to 1. The
    frame's own border is no edge: no pixel lies beyond it that a seam could contrast with.

    Args:
        hole: bool `H W`.
        feather: over how many pixels the share rises; 0 is a hard edge.

    Raises:
        ValueError: `feather` is less than 0.

    >>> feathered(np.array([[0, 1, 1, 1, 1]], bool), feather=3).tolist()
    [[0.0, 0.25, 0.5, 0.75, 1.0]]
    """
    if feather < 0:
        raise ValueError(f"need feather >= 0, got {feather}")
    if hole.all():  # no edge to measure from
        return np.ones(hole.shape, np.float32)
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.minimum(distance / np.float32(feather + 1), np.float32(1))
