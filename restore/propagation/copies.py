"""Frames restored without generating: what is visible stays as it is, what is hidden is copied from other frames that
saw it, and what no frame saw is marked.

No temporal filter follows: the memories average the same frames already, and the mark must not flow into what was seen.
"""

import numpy as np

from restore.propagation.confidence import with_hidden
from restore.propagation.evidence import Evidence
from restore.propagation.provenance import UNSEEN
from restore.restored import Restored, certain

UNSEEN_COLOUR = 128, 0, 255  # violet, RGB: as saturated as hardly anything is, and far from all colours of `overlay.py`


def copies(evidence: Evidence) -> Restored:
    """The frame with its hidden pixels copied, to the nearest level; those that no frame saw have `UNSEEN_COLOUR`.

    >>> from restore.frame import Frame
    >>> from restore.propagation.memory import Memory
    >>> frame = Frame(np.full((1, 3, 3), 9, np.uint8), mask=np.array([[0, 1, 1]], np.float32))
    >>> one = np.array([[1, 1, 0]], np.float32)
    >>> past, future = Memory(np.full((1, 3, 3), 100.4, np.float32), one, one), Memory.empty(1, 3)
    >>> restored = copies(Evidence(frame, frame, frame, past, future))
    >>> restored.image.tolist(), restored.provenance.tolist()
    ([[[9, 9, 9], [100, 100, 100], [128, 0, 255]]], [[0, 1, 4]])
    """
    frame = evidence.frame
    image, codes = frame.image, evidence.provenance
    if not frame.has_hidden:
        return Restored(frame, image, codes, certain(frame))
    copied, unseen = evidence.copied, frame.hidden & ~evidence.copied
    image = image.copy()
    image[copied] = np.rint(evidence.averaged()[copied]).clip(0, 255)
    # Before the mark, which would be contrast of what was copied.
    restored = with_hidden(Restored(frame, image, codes, certain(frame), odds=evidence.odds))
    image[unseen], codes[unseen], restored.confidence[unseen] = UNSEEN_COLOUR, UNSEEN, 0
    return restored
