"""Frames that are not restored: they go to the output, and into the report, as they were read."""

from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import islice

import numpy as np

from restore.frame import Frame
from restore.inference.located import Located
from restore.propagation.provenance import mask_provenance
from restore.restored import Restored, certain


def with_untouched(
    results: Generator[Restored, None, None], frames: Iterable[Frame], located: Located, *, done: int, kinds: bool
) -> Generator[Restored, None, None]:
    """All frames of a video, of which a range is restored, from frame `done` on.

    Args:
        results: the restored ones, from `done` on, if that is in the range. They may go on behind it, and are closed.
        frames: of the whole video.
        kinds: whether it is known of the restored ones by what they are hidden.
    """
    outside = islice(frames, done, None)
    within = located.last + 1 - max(located.first, done)
    yield from (untouched(frame, kinds=kinds) for frame in islice(outside, max(0, located.first - done)))
    with closing(results):
        yield from islice(results, within)
    yield from (untouched(frame, kinds=kinds) for frame in islice(outside, within, None))


def untouched(frame: Frame, *, kinds: bool) -> Restored:
    """A frame as it is: nothing was looked for, nothing is hidden, and no cut can be told by it.

    >>> one = untouched(Frame(np.full((1, 1, 3), 7, np.uint8)), kinds=False)
    >>> one.image.tolist(), one.provenance.tolist(), one.confidence.tolist()
    ([[[7, 7, 7]]], [[0]], [[255]])
    """
    frame.mask = np.zeros(frame.size, np.float32)
    frame.suspected = np.zeros(frame.size, bool)
    if kinds:  # as of frames in which nothing is found, so that those of the range keep their numbers
        frame.probability, frame.proven = frame.mask, frame.suspected
        frame.kinds = np.zeros(frame.size, np.uint8)
    frame.comparable = False
    return Restored(frame, frame.image, mask_provenance(frame), certain(frame))
