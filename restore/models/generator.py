"""The generator: deblurs, denoises and coarsely fills a frame, starting from what its neighbours saw.

It reads the evidence stack (`restore/propagation/evidence.py`) and adds a residual to the stack's first three channels,
the base.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from restore.models.unet import UNet


class UNetGenerator(nn.Module):
    """Evidence `B C H W` => restored picture `B 3 H W`, about [-1, 1] (not clipped), any H and W.

    Args:
        in_channels: channels of the evidence; the first three are the base.
        widths, blocks, decoder_blocks: see `UNet`. The default is 12 GMAC a frame at 320x240.

    >>> import torch
    >>> UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 23, 17, 30)).shape
    torch.Size([1, 3, 17, 30])
    """

    def __init__(
        self,
        *,
        in_channels: int = 23,
        unshuffle: int = 2,
        widths: Sequence[int] = (64, 96, 160, 256),
        blocks: Sequence[int] = (1, 2, 2, 3),
        decoder_blocks: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        self.unet = UNet(
            in_channels=in_channels,
            out_channels=3,
            unshuffle=unshuffle,
            widths=widths,
            blocks=blocks,
            decoder_blocks=decoder_blocks,
        )

    def forward(self, evidence: Tensor) -> Tensor:
        residual: Tensor = self.unet(evidence)
        return evidence[:, :3] + residual  # in the evidence's own precision, whatever the network computes in
