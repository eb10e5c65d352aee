"""A mask drawn in one frame, carried along the motion to others: the project's own flow (`propagation/flow.py`) within
the mask, and the similarity transform (shift, turn, zoom) that most of it agrees on, by RANSAC.

A transform for the whole mask keeps its shape: flow along its edge is half of it that of what lies behind.
"""

from collections.abc import Callable, Iterable

import cv2
import numpy as np

from restore.arrays import grid
from restore.frame import Frame
from restore.propagation.flow import Flow, estimate

IDENTITY = np.eye(2, 3)
CERTAIN = 0.5  # consistency of a vector, from which it counts
FEWEST = 12  # vectors, for a turn and a zoom; of fewer the median is a shift
MOST = 4000  # vectors that are looked at
AGREEING = 1 / 240  # of the height: how far a vector may miss the transform


def moved(mask: np.ndarray, flow: Flow) -> np.ndarray:
    """How a mask moves: float64 `2 3`, from the pixels of its frame to those of the other.

    Args:
        mask: bool `H W`; where it hides nothing, or its motion is unknown, it stays.
        flow: from its frame to the other.
    """
    height, width = mask.shape
    vectors, consistency = flow.at(height, width)
    known = mask & (consistency >= CERTAIN)
    count = np.count_nonzero(known)
    if flow.zero or not count:
        return IDENTITY
    step = -(-count // MOST)
    here = np.ascontiguousarray(grid(height, width)[known][::step])
    there = here + vectors[known][::step]
    if len(here) >= FEWEST:
        matrix, agreed = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=max(0.5, AGREEING * height))
        if matrix is not None and agreed.mean() > 0.5:
            return np.asarray(matrix)
    return np.hstack([np.eye(2), np.median(there - here, 0)[:, None]])


def carried(mask: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A mask, bool `H W`, moved by a matrix `2 3`.

    >>> carried(np.array([[1, 0, 0]], bool), np.array([[1.0, 0, 2], [0, 1, 0]])).tolist()
    [[False, False, True]]
    """
    height, width = mask.shape
    return cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR) > 0.5


def follow(
    mask: np.ndarray, key: int, frames: Iterable[int], frame_at: Callable[[int], Frame]
) -> Iterable[tuple[int, np.ndarray]]:
    """Carry the mask of frame `key` on, frame by frame => the number of each and its matrix, from `key` to it.

    Args:
        frames: the numbers next to `key` and on, all upward or all downward, of one scene.
        frame_at: a frame by its number.
    """
    whole, last = np.eye(3), key
    for number in frames:
        earlier, later = sorted((last, number))
        previous, now = _bare(frame_at(earlier)), _bare(frame_at(later))
        motion = estimate(now, previous)
        step = moved(carried(mask, whole[:2]), motion.forward if number > last else motion.backward)
        whole, last = np.vstack([step, [0, 0, 1]]) @ whole, number
        yield number, whole[:2].copy()


def _bare(frame: Frame) -> Frame:
    """A frame of which nothing is hidden: the motion of what is drawn over is what is asked for."""
    frame.mask = np.zeros(frame.size, np.float32)
    return frame
