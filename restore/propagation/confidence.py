"""How certain each pixel is: uint8 `H W`, 255 where the scene is in view, 0 where no frame saw it.

A copy is the more certain the more frames it is averaged from and the nearer the last of them is. The two sweeps speak
for a pixel independently, so their doubts multiply.
"""

import numpy as np

from restore.propagation.engine import DOUBT, Tracked
from restore.propagation.memory import Memory

FADING = 100.0  # frames after which a copy is half as certain


def confidence(count: np.ndarray, age: np.ndarray) -> np.ndarray:
    """How certain a copy is, in [0, 1]: 0 from no frame, at most 1/2 from one, and near 1 from many just before.

    Args:
        count: how many frames it is averaged from, 0 or more.
        age: frames since the last of them, 1 if it is the very next.

    >>> confidence(np.array([0.0, 1.0, 9.0, 9.0]), np.array([0.0, 1.0, 1.0, 101.0])).round(2).tolist()
    [0.0, 0.5, 0.9, 0.45]
    """
    return count / (count + 1) * FADING / (FADING + np.maximum(age - 1, 0))


def frame_confidence(frame: Tracked, before: Memory, after: Memory) -> np.ndarray:
    """How certain each pixel of a frame is that the generator restores from its evidence.

    Args:
        before, after: what the past and the future saw, from the two sweeps.
    """
    hidden = frame.hidden
    certain = np.full(hidden.shape, 255, np.uint8)
    first, second = (1 - confidence(memory.count[hidden], memory.age[hidden]) for memory in (before, after))
    certain[hidden] = np.rint(255 * (1 - first * second))
    return certain


def confidence_alone(mask: np.ndarray) -> np.ndarray:
    """The same of a frame that is restored from itself alone; `mask`: float `H W` in [0, 1], 1 where hidden.

    >>> confidence_alone(np.array([[0.0, 0.1, 0.9, 1.0]])).tolist()
    [[255, 255, 0, 0]]
    """
    return np.where(mask > DOUBT, 0, 255).astype(np.uint8)
