"""Tiny networks with weights of their own, of each class that an engine computes."""

from typing import Any

import torch
from torch import nn

from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator
from restore.models.padded import PaddedNetwork
from restore.models.segmenter import Segmenter

TINY: dict[str, Any] = {"widths": (8, 16), "blocks": (1, 1), "decoder_blocks": (1,)}


def randomised(model: nn.Module) -> nn.Module:
    """The model with weights that say something, those that begin at zero too."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2 if parameter.ndim < 2 else (2 / parameter[0].numel()) ** 0.5)
    return model.eval()


def network(name: str) -> PaddedNetwork:
    """`finder`, `generator` or `segmenter`."""
    built: nn.Module
    if name == "segmenter":
        built = randomised(Segmenter(**TINY))
    elif name == "finder":
        built = randomised(OcclusionFinder(**TINY)).unet
    else:
        built = randomised(GatedGenerator(**TINY)).unet
    assert isinstance(built, PaddedNetwork)
    return built
