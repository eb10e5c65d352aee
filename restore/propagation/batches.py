"""Frames gathered into batches for the generator, with what it reads of them."""

from collections.abc import Iterable, Iterator
from itertools import chain, cycle

import numpy as np

from restore.frame import Frame
from restore.propagation.confidence import mask_odds
from restore.propagation.evidence import CHANNELS, Evidence, EvidenceRows, picture
from restore.propagation.provenance import mask_provenance
from restore.restored import Restored, certain
from restore.tensors import frames_at_once
from restore.video.windows import windows

# Frames that are not restored yet, and what is read of them: `B H W C`, or strip by strip of a single one.
Batch = tuple[list[Restored], np.ndarray | EvidenceRows]


def evidence_batches(evidence: Iterable[Evidence]) -> Iterator[Batch]:
    """Frames with their evidence stacks, float32 `B H W 23`.

    Stacks are written into two buffers in turn, as fresh memory costs more than what is written: a batch holds until
    the one after the next is asked for. None reaches beyond the end of a scene or of a segment: what is behind it comes
    out alike where the frames before are done, or are not restored at all.
    """
    buffers: Iterator[np.ndarray] | None = None
    batch: list[Restored] = []
    stacks = np.empty(0, np.float32)
    for one in evidence:
        frame = one.frame
        if batch and frame.motion is None:  # a scene begins
            yield batch, stacks[: len(batch)]
            batch = []
        if buffers is None:
            buffers = cycle(np.empty((2, frames_at_once(*frame.size), *frame.size, CHANNELS), np.float32))
        if not batch:
            stacks = next(buffers)
        one.stack(stacks[len(batch)])
        batch.append(_not_restored(one))
        if len(batch) == len(stacks) or frame.ends:
            yield batch, stacks[: len(batch)]
            batch = []
    if batch:
        yield batch, stacks[: len(batch)]


def row_batches(evidence: Iterable[Evidence]) -> Iterator[Batch]:
    """Frame by frame, with rows of the evidence stack to be asked for."""
    for one in evidence:
        yield [_not_restored(one)], EvidenceRows(one)


def picture_batches(frames: Iterable[Frame]) -> Iterator[Batch]:
    """Frames with their pictures, float32 `B H W 3`, for a generator that sees single frames."""
    frames = iter(frames)
    for first in frames:  # its size decides how many
        for window in windows(chain([first], frames), frames_at_once(*first.size)):
            batch = [Restored(x, x.image, mask_provenance(x), certain(x), odds=mask_odds(x)) for x in window.core]
            yield batch, picture(np.stack([x.image for x in window.core]))


def _not_restored(evidence: Evidence) -> Restored:
    frame = evidence.frame
    return Restored(frame, frame.image, evidence.provenance, certain(frame), odds=evidence.odds)
