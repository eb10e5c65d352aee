"""Networks whose weights are set by hand, so that a test knows what they detect."""

from itertools import product
from typing import Any

import torch

from restore.kinds import KINDS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import FRAME, Segmenter

BEFORE, AFTER = slice(3, 6), slice(6, 9)  # of the segmenter's channels: differences from the frames around


def constant_finder(logit: float) -> OcclusionFinder:
    """It gives every pixel the same logit."""
    finder = OcclusionFinder(unshuffle=1, widths=(8,), blocks=(1,), decoder_blocks=()).eval()
    assert finder.unet.tail.bias is not None
    torch.nn.init.constant_(finder.unet.tail.bias, logit)
    return finder


def random_segmenter(*, seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    model = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    model.unet.tail.reset_parameters()
    return model


def white_segmenter(kind: str, *, traces: slice | None = None) -> Segmenter:
    """White is `kind`, with a logit of 10; level 250 has 2.2, level 249 has 0.6, all else is not hidden.

    Args:
        traces: `BEFORE` or `AFTER`: where that frame is white and this one is dark, it detects dirt.
    """
    segmenter = Segmenter(widths=(8,), blocks=(1,), decoder_blocks=()).eval()
    unet: Any = segmenter.unet
    for weight in segmenter.parameters():
        torch.nn.init.zeros_(weight)
    white, dirt = 4 * (1 + KINDS.index(kind)), 4 * (1 + KINDS.index("dirt"))
    for index, (row, column) in enumerate(product(range(2), range(2))):  # the pixels of a cell at half the resolution
        unet.head.weight.data[index, FRAME, 2 + row, 2 + column] = 1 / 3
        unet.head.bias.data[index] = -0.9
        unet.tail.weight.data[index, index, 1, 1] = 200
        unet.tail.weight.data[white + index, index, 1, 1] = 400
        unet.tail.bias.data[index] = -10
        if traces is not None:
            unet.head.weight.data[4 + index, traces, 2 + row, 2 + column] = -1 / 3
            unet.head.bias.data[4 + index] = -2.5
            unet.tail.weight.data[index, 4 + index, 1, 1] = 60
            unet.tail.bias.data[dirt + index] = 1
        else:
            unet.tail.bias.data[white + index] = 1
    return segmenter
