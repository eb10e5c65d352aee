"""The 70x70 PatchGAN of pix2pix (Isola et al. 2017): every score judges one patch of input and output jointly."""

import torch
from torch import Tensor, nn


class PatchGAN(nn.Module):
    """Scores patches of a picture given the picture it was made from.

    Args:
        in_channels: channels of input and output in all.
        width: filters of the first layer; they double up to 8 times that.
    """

    def __init__(self, *, in_channels: int = 6, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            *_block(width, 2 * width, stride=2),
            *_block(2 * width, 4 * width, stride=2),
            *_block(4 * width, 8 * width, stride=1),
            nn.Conv2d(8 * width, 1, 4, padding=1),
        )
        self.apply(_initialise)

    def forward(self, degraded: Tensor, output: Tensor) -> Tensor:
        """Two pictures `B 3 H W` in [-1, 1] => logits `B 1 h w`, one a patch; 14x14 for 128x128. Above 0 is real."""
        scores: Tensor = self.layers(torch.cat([degraded, output], 1))
        return scores


def _block(channels: int, out_channels: int, stride: int) -> list[nn.Module]:
    # Instance norm, not batch norm: a patch's score must not depend on which other clips share its batch.
    return [
        nn.Conv2d(channels, out_channels, 4, stride=stride, padding=1, bias=False),
        nn.InstanceNorm2d(out_channels, affine=True),
        nn.LeakyReLU(0.2),
    ]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
