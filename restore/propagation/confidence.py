"""How certain each pixel is: uint8 `H W`, 255 where the scene is in view, 0 where no frame saw it.

A copy is the more certain the more frames it is averaged from and the more recent the last of them is.
"""

import numpy as np

from restore.frame import Frame

HALF_AGE = 100.0  # frames after which a copy is half as certain


def copy_confidence(count: np.ndarray, age: np.ndarray) -> np.ndarray:
    """How certain a copy is, in [0, 1]: 0 from no frame, at most 1/2 from one, and almost 1 from many just before.

    Args:
        count: how many frames it is averaged from, 0 or more.
        age: frames since the last of them, 1 if it is the very next.

    >>> copy_confidence(np.array([0.0, 1.0, 9.0, 9.0]), np.array([0.0, 1.0, 1.0, 101.0])).round(2).tolist()
    [0.0, 0.5, 0.9, 0.45]
    """
    return count / (count + 1) * HALF_AGE / (HALF_AGE + np.maximum(age - 1, 0))


def mask_confidence(frame: Frame) -> np.ndarray:
    """The same of a frame that is restored from itself alone.

    >>> mask = np.array([[0.0, 0.1, 0.9, 1.0]], np.float32)
    >>> mask_confidence(Frame(np.zeros((1, 4, 3), np.uint8), mask=mask)).tolist()
    [[255, 255, 0, 0]]
    """
    return np.where(frame.hidden, np.uint8(0), np.uint8(255))
