"""Dilates masks: by a disc of any radius, or by the soft rim of obstructions that are out of focus."""

import cv2
import numpy as np

from restore.kinds import BOXES

SOFT_RIM = 1 / 240  # of the shorter side: an obstruction out of focus extends this far beyond its detection; measured


def dilate(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Dilate a mask, bool or float32 `H W`, by a disc of radius `pixels`: float32 `H W`.

    >>> dilate(np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]), 1).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.float32, copy=False), disc))


def dilate_soft(probability: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Dilate all kinds but boxes, which have sharp edges, by `SOFT_RIM`.

    Args:
        probability: float32 `H W` in [0, 1], that the pixel is hidden; so is the result.
        kinds: uint8 `H W`, what hides the pixel, if anything does: an index into `KINDS`.
    """
    radius = max(1, round(SOFT_RIM * min(probability.shape)))
    sharp = kinds == BOXES
    if not sharp.any():
        return dilate(probability, radius)
    soft = probability * ~sharp  # a tenth of the time of `np.where`
    return np.asarray(np.maximum(probability, dilate(soft, radius)))
