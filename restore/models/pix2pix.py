"""The classic pix2pix generator, `unet_256` (Isola et al. 2017): one frame in, one frame out. The reference to beat."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.tensors import pad_to_multiple


class Pix2PixUNet(nn.Module):
    """Degraded picture `B 3 H W` in [-1, 1] => restored picture `B 3 H W` in [-1, 1].

    Args:
        width: filters of the first layer (64 in the paper).
        depth: how often the resolution is halved (8 in `unet_256`); H and W are padded to multiples of 2**depth.
        dropout: of the three innermost decoder layers while training (0.5 in the paper).
    """

    def __init__(self, *, width: int = 64, depth: int = 8, dropout: float = 0.5) -> None:
        super().__init__()
        self.multiple = 2**depth
        widths = [min(width * 2**level, 8 * width) for level in range(depth)]
        self.downs = nn.ModuleList()
        self.ups = nn.ModuleList()
        for level, channels in enumerate(widths):
            outermost, innermost = level == 0, level == depth - 1
            down = nn.Conv2d(3 if outermost else widths[level - 1], channels, 4, stride=2, padding=1)
            self.downs.append(down if outermost or innermost else nn.Sequential(down, nn.BatchNorm2d(channels)))
            up = nn.ConvTranspose2d(
                channels * (1 if innermost else 2), 3 if outermost else widths[level - 1], 4, stride=2, padding=1
            )
            if outermost:
                self.ups.append(up)
            else:
                drop = nn.Dropout(dropout if depth - 5 < level < depth - 1 else 0.0)
                self.ups.append(nn.Sequential(up, nn.BatchNorm2d(widths[level - 1]), drop))

    def forward(self, degraded: Tensor) -> Tensor:
        height, width = degraded.shape[-2:]
        x = pad_to_multiple(degraded.to(next(self.parameters()).dtype), self.multiple)

        # Encoder.
        skips = []
        for level, down in enumerate(self.downs):
            x = down(x if level == 0 else F.leaky_relu(x, 0.2))
            skips.append(x)

        # Decoder.
        x = self.ups[-1](F.relu(skips.pop()))
        for up in reversed(self.ups[:-1]):
            x = up(F.relu(torch.cat([x, skips.pop()], 1)))
        return torch.tanh(x)[..., :height, :width]
