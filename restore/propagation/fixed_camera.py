"""One step of a sweep's memory before a fixed camera, where the background is known.

Behind what hides it the scene stands still, but for what passes (`passing.py`). The background fills what the memory
does not know and what has been left by what passed on. It also takes the place of what stood still when it was hidden,
once that is hidden for longer than it had stood: a thing is expected to stay as long as it has stayed.
"""

import cv2
import numpy as np

from restore.propagation.background import SAME_PLACE, Background, differing
from restore.propagation.flow import STILL
from restore.propagation.memory import MOST, UNKNOWN, Memory
from restore.propagation.object_motion import View, passing

SETTLED = 4.0  # votes more for the background than against it, with which it stands still whatever the flow says
PATIENCE = 25.0  # frames that a thing which stood still is expected to go on doing so, however briefly it had


def stands(flow: np.ndarray) -> bool:
    """Whether the camera stands still: by its median, `flow` (float32 `H W 2`) is no more than noise.

    >>> stands(np.zeros((8, 8, 2))), stands(np.ones((8, 8, 2)))
    (True, False)
    """
    return bool(np.median(np.abs(flow[::8, ::8]).max(-1)) < STILL)


def carried_behind(
    memory: Memory, flow: np.ndarray, trust: np.ndarray, *, last: View, now: View, background: Background
) -> Memory:
    """The memory aligned with the next frame of the sweep, at its exposure.

    Across a cut, where the camera moves or looks elsewhere than the background does, and where nothing is hidden, it is
    only `carried`.

    Args:
        flow, trust: as for `Memory.carried`.
        last, now: the frame that the memory is aligned with, and the next of the sweep.
        background: its age as from `now`.
    """
    if not (now.hidden.any() and background.known.any() and trust.any() and stands(flow)):
        return memory.carried(flow, trust).exposed(now.image, now.hidden)
    remembered = memory.exposed(now.image, now.hidden)
    background = background.exposed(now.image, now.hidden)
    both = (remembered.count > UNKNOWN) & background.known
    things = both & differing(remembered.colour, background.colour)
    if (things & ~now.hidden).sum() > (1 - SAME_PLACE) * (both & ~now.hidden).sum():
        return remembered.carried(flow, trust)

    followed = np.zeros_like(flow) if memory.velocity is None else memory.velocity
    moved = passing(things, followed, -flow, last, now)
    still = now.hidden & ~things & ~moved.there & (background.votes > SETTLED)
    certain = (still | moved.there).astype(np.uint8)
    flow = cv2.copyTo(-moved.velocity, certain, flow.copy())
    carried = remembered.carried(flow, np.maximum(certain, trust))

    ground = now.hidden & background.known & ~moved.there
    overdue = things & (memory.age > np.maximum(background.age / 2, PATIENCE))
    # What the memory does not know, or knows no more; and what both know, where the background has less noise.
    back = ground & (moved.left | overdue | (carried.count <= UNKNOWN))
    smoother = ground & ~things & (background.votes > 2 * carried.count)
    return Memory(
        cv2.copyTo(background.colour, (back | smoother).astype(np.uint8), carried.colour.copy()),
        np.where(back, np.minimum(background.votes, np.float32(MOST)), carried.count),
        np.where(back, np.maximum(background.age, np.float32(1)), carried.age),
        moved.velocity,
    )
