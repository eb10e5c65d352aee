"""The occlusion finder: how likely something hides the scene at each pixel, from a frame and its neighbours."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from restore.models.unet import UNet


class OcclusionFinder(nn.Module):
    """Three consecutive frames `B 9 H W` in [-1, 1] => logits `B 1 H W`; above 0 is hidden.

    The frame in question lies between its neighbours: previous, frame, following. 0.9 GMAC a frame at 320x240.

    >>> OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 9, 17, 30)).shape
    torch.Size([1, 1, 17, 30])
    """

    def __init__(
        self,
        *,
        unshuffle: int = 4,
        widths: Sequence[int] = (32, 48, 96, 128),
        blocks: Sequence[int] = (1, 1, 1, 2),
        decoder_blocks: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        self.unet = UNet(
            in_channels=9,
            out_channels=1,
            unshuffle=unshuffle,
            widths=widths,
            blocks=blocks,
            decoder_blocks=decoder_blocks,
        )

    def forward(self, triples: Tensor) -> Tensor:
        logits: Tensor = self.unet(triples)
        return logits


def triples(frames: Tensor) -> Tensor:
    """Each frame with its neighbours: `B T 3 H W` => `B T 9 H W`. At the ends the frame stands in for the missing one.

    >>> triples(torch.arange(3.0).view(1, 3, 1, 1, 1).expand(1, 3, 3, 1, 1))[0, :, ::3, 0, 0].tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 2.0]]
    """
    previous = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    following = torch.cat([frames[:, 1:], frames[:, -1:]], 1)
    return torch.cat([previous, frames, following], 2)
