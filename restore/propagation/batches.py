"""Frames gathered into batches for the generator, with what it reads of them."""

from collections.abc import Iterable, Iterator
from itertools import cycle

import numpy as np

from restore.frame import Frame
from restore.propagation.confidence import mask_confidence
from restore.propagation.evidence import CHANNELS, Evidence, picture
from restore.propagation.provenance import mask_provenance
from restore.restored import Restored
from restore.video.windows import windows

BATCH = 4  # frames that the generator sees at once; more gain no speed on a CPU...
BATCH_PIXELS = 4 * 320 * 240  # ...and at 1920x1080 a stack is 191 MB

Batch = tuple[list[Restored], np.ndarray]  # frames that are not restored yet, and what is read of them, `B H W C`


def evidence_batches(evidence: Iterable[Evidence]) -> Iterator[Batch]:
    """Frames with their evidence stacks, float32 `B H W 23`.

    Stacks are written into two buffers in turn, as fresh memory costs more than what is written: a batch holds until
    the one after the next is asked for.
    """
    buffers: Iterator[np.ndarray] | None = None
    batch: list[Restored] = []
    for one in evidence:
        frame = one.frame
        if buffers is None:
            count = max(1, min(BATCH, BATCH_PIXELS // frame.hidden.size))
            buffers = cycle(np.empty((2, count, *frame.size, CHANNELS), np.float32))
        if not batch:
            stacks = next(buffers)
        one.stack(stacks[len(batch)])
        batch.append(Restored(frame, frame.image, one.provenance, one.confidence))
        if len(batch) == len(stacks):
            yield batch, stacks
            batch = []
    if batch:
        yield batch, stacks[: len(batch)]


def picture_batches(frames: Iterable[Frame]) -> Iterator[Batch]:
    """Frames with their pictures, float32 `B H W 3`, for a generator that sees single frames."""
    for window in windows(frames, BATCH):
        batch = [Restored(frame, frame.image, mask_provenance(frame), mask_confidence(frame)) for frame in window.core]
        yield batch, picture(np.stack([frame.image for frame in window.core]))
