"""Masks grown in all directions."""

import cv2
import numpy as np


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask, bool or float32 `H W`, grown by a disc of radius `pixels`, as float32.

    >>> grown(np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]), 1).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.float32), disc))
