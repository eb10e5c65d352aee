"""Put what was regenerated back into the picture it belongs to: a fade inside the hole, nothing changed outside it."""

import cv2
import numpy as np


def feathered(unseen: np.ndarray, *, feather: int) -> np.ndarray:
    """How much of each pixel is taken from the regenerated picture: float32 `H W` in [0, 1].

    It is 0 outside the hole and rises inside it over `feather` pixels from its edge (Euclidean distance) to 1. The
    frame's own border is no edge: nothing lies beyond it that a seam could show against.

    Args:
        unseen: bool `H W`, the hole.
        feather: how many pixels the rise takes; 0 is a hard edge.

    Raises:
        ValueError: `feather` is less than 0.

    >>> feathered(np.array([[0, 1, 1, 1, 1]], bool), feather=3).tolist()
    [[0.0, 0.25, 0.5, 0.75, 1.0]]
    """
    if feather < 0:
        raise ValueError(f"need feather >= 0, got {feather}")
    if unseen.all():  # no edge to measure from
        return np.ones(unseen.shape, np.float32)
    distance = cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.minimum(distance / np.float32(feather + 1), np.float32(1))


def paste(picture: np.ndarray, refined: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with `refined` put into its hole; where `alpha` is 0 it is returned bit for bit.

    Args:
        picture: uint8 or float `H W 3`.
        refined: uint8 or float `H W 3` in the same range; where `alpha` is 0, what it holds is ignored.
        alpha: float32 `H W` in [0, 1], see `feathered`.

    Returns:
        `H W 3` of the type of `picture`; summed in float32 and, for uint8, rounded once.

    >>> black, white = np.zeros((1, 3, 3), np.uint8), np.full((1, 3, 3), 255, np.uint8)
    >>> paste(black, white, np.array([[0, 0.5, 1]], np.float32))[..., 0].tolist()
    [[0, 128, 255]]
    """
    inside = alpha > 0
    share = alpha[inside, None]  # N 1
    mixed = picture[inside] * (1 - share) + refined[inside] * share
    if picture.dtype == np.uint8:
        mixed = np.clip(np.rint(mixed), 0, 255)
    pasted = picture.copy()
    pasted[inside] = mixed
    return pasted
