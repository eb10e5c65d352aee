"""A mask drawn in one frame, carried along the motion to others: the project's own flow (`propagation/flow.py`), from
frame to frame, composed into one map, so that the mask is sampled once and does not fray.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from restore.arrays import grid, sample
from restore.frame import Frame
from restore.propagation.flow import estimate


def follow(
    mask: np.ndarray, key: int, frames: Iterable[int], frame_at: Callable[[int], Frame]
) -> Iterator[tuple[int, np.ndarray]]:
    """Carry a mask on, frame by frame => the number of each, and the mask there, bool `H W`.

    Args:
        mask: bool `H W`, of frame `key`.
        frames: the numbers next to `key` and on, all upward or all downward, of one scene.
        frame_at: a frame by its number.
    """
    height, width = mask.shape
    here, drawn = grid(height, width), mask.astype(np.float32)
    where, last = here, key  # of each pixel of the frame: where it lies in `key`, (x, y)
    for number in frames:
        earlier, later = sorted((last, number))
        motion = estimate(_bare(frame_at(later)), _bare(frame_at(earlier)))
        flow = motion.backward if number > last else motion.forward  # from `number` to `last`
        where, last = sample(where, here + flow.at(height, width)[0]), number
        yield number, sample(drawn, where) > 0.5


def _bare(frame: Frame) -> Frame:
    """A frame of which nothing is hidden: the motion of what is drawn over is what is asked for."""
    frame.mask = np.zeros(frame.size, np.float32)
    return frame
