"""One step of a memory before a static camera whose background is known.

Behind an occlusion the scene is at rest, but for objects in motion (`object_motion.py`). The background fills what the
memory does not know and what objects have uncovered. It also replaces an object at rest, once that is hidden for longer
than it had been at rest: an object is expected to stay as long as it has stayed.
"""

import numpy as np

from restore.arrays import choose
from restore.frame import Frame
from restore.propagation.background import SAME_VIEW, Background, differing
from restore.propagation.flow import Flow
from restore.propagation.memory import AVERAGED, Memory
from restore.propagation.object_motion import moved_objects

SETTLED_VOTES = 4.0  # with which the background is at rest whatever the flow claims
PATIENCE = 25.0  # frames that an object at rest is expected to stay so, however briefly it was


def warped_before_background(
    memory: Memory, flow: Flow, *, last: Frame, now: Frame, background: Background, number: int
) -> Memory:
    """The memory aligned with the next frame of the sweep, at its exposure.

    Where nothing is hidden, where the flow is nowhere consistent, or where the camera looks elsewhere than the
    background does, it is only warped.

    Args:
        flow: from the next frame of the sweep to the last.
        last, now: the frame that the memory is aligned with, and the next.
        number: that of `now`, by which the background's age is reckoned.
    """
    if not now.has_hidden or background.empty_yet or not flow.consistency.any():
        return memory.warped(flow).relit(now)
    memory, background = memory.relit(now), background.relit(now)
    both = memory.known & background.known
    objects = both & differing(memory.colour, background.colour)
    visible = both & ~now.excluded
    if np.count_nonzero(objects & visible) > (1 - SAME_VIEW) * np.count_nonzero(visible):
        return memory.warped(flow)

    vectors, consistency = flow.at(*now.size)
    tracked = np.zeros_like(vectors) if memory.velocity is None else memory.velocity
    moved = moved_objects(objects, tracked, -vectors, last, now)
    at_rest = now.excluded & ~objects & ~moved.present & (background.votes > SETTLED_VOTES)
    certain = at_rest | moved.present
    vectors = choose(certain, -moved.velocity, vectors)
    warped = memory.warped(Flow(vectors, np.maximum(certain, consistency), not vectors.any()))

    age = background.age(number)
    ground = now.excluded & background.known & ~moved.present
    overdue = objects & (memory.age > np.maximum(age / 2, PATIENCE))
    # What the memory does not know, or knows no more; and what both know, where the background has less noise.
    uncovered = ground & (moved.uncovered | overdue | ~warped.known)
    smoother = ground & ~objects & (background.votes > 2 * warped.count)
    return Memory(
        choose(uncovered | smoother, background.colour, warped.colour),
        choose(uncovered, np.minimum(background.votes, np.float32(AVERAGED)), warped.count),
        choose(uncovered, np.maximum(age, np.float32(1)), warped.age),
        moved.velocity,
        None if warped.share is None else np.maximum(warped.share, uncovered),
    )
