"""Masks grown in all directions."""

import cv2
import numpy as np

from restore.kinds import BOXES

RIM = 1 / 240  # of the frame's shorter side: as far a thing out of focus reaches beyond where it is found; measured


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask, bool or float32 `H W`, grown by a disc of radius `pixels`, as float32.

    >>> grown(np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]), 1).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.float32), disc))


def rimmed(probability: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """What is found, with a soft rim around all kinds other than boxes, which have edges.

    Args:
        probability: float32 `H W`, that the pixel is hidden; so is the result.
        kinds: uint8 `H W`, by what, if it is: an index into `KINDS`.
    """
    soft = np.where(kinds == BOXES, np.float32(0), probability)
    return np.asarray(np.maximum(probability, grown(soft, max(1, round(RIM * min(soft.shape))))))
