"""Networks whose output a test knows: a generator that records what it reads, a finder that detects what is white."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn

from restore.frame import Frame
from restore.kinds import KINDS
from restore.models.finder import OcclusionFinder
from restore.pipeline import Restorer
from restore.restored import Restored

WHITE = 255  # what hides the scene in the clips of these tests; no scene is as bright


class Recorder(nn.Module):
    """Returns the base, darker where much is known of the past, and records the evidence of every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.evidence: list[Tensor] = []

    def forward(self, evidence: Tensor) -> Tensor:
        self.evidence += evidence.clone()
        return evidence[:, :3] - 0.1 * evidence[:, 15:16]


def with_suspects(restorer: Restorer, clip: np.ndarray) -> Iterator[Restored]:
    """Frames uint8 `T H W 3` restored by all that is detected, proven or not."""
    return restorer.restore(restorer.detect(map(Frame, clip), remove=KINDS, suspects=True))


def white_finder(level: int = WHITE) -> OcclusionFinder:
    """A finder whose weights are set by hand: what is of this level or brighter hides the scene."""
    finder = OcclusionFinder(unshuffle=1, widths=(8,), blocks=(1,), decoder_blocks=())
    unet: Any = finder.unet
    for weight in finder.parameters():
        nn.init.zeros_(weight)
    unet.head.weight.data[0, 3:6, 1, 1] = 1 / 3  # the frame in question, between its neighbours
    unet.head.bias.data[0] = 0.1 - (level / 127.5 - 1)
    unet.tail.weight.data[0, 0, 1, 1] = 200
    unet.tail.bias.data[0] = -10
    return finder.eval()
