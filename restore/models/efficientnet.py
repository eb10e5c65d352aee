"""EfficientNet-Lite0 (Tan & Le 2019; Lite: Renjie Liu 2020) up to a sixteenth of the resolution: what pictures of the
world look like, learnt from ImageNet.

Each batch normalisation is folded into the convolution before it, so none is left.
"""

import torch.nn.functional as F
from torch import Tensor, nn

STEM = 32  # channels
# Of each block: how many times wider inside, kernel, stride, channels out.
BLOCKS = (
    (1, 3, 1, 16),
    (6, 3, 2, 24),
    (6, 3, 1, 24),
    (6, 5, 2, 40),
    (6, 5, 1, 40),
    (6, 3, 2, 80),
    (6, 3, 1, 80),
    (6, 3, 1, 80),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
)
TAPS = (0, 2, 4, 10)  # the last block at each resolution
CHANNELS = tuple(BLOCKS[index][3] for index in TAPS)


class EfficientNetLite(nn.Module):
    """Pictures `B 3 H W` in [-1, 1], H and W multiples of 16 => features `B C h w` at 1/2, 1/4, 1/8 and 1/16, of
    `CHANNELS` channels. 0.7 M parameters.

    >>> import torch
    >>> [tuple(x.shape) for x in EfficientNetLite()(torch.zeros(1, 3, 32, 48))]
    [(1, 16, 16, 24), (1, 24, 8, 12), (1, 40, 4, 6), (1, 112, 2, 3)]
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [STEM, *(block[3] for block in BLOCKS)]
        self.stem = nn.Conv2d(3, STEM, 3, stride=2)
        self.blocks = nn.ModuleList(_Block(width, *block) for width, block in zip(widths, BLOCKS, strict=False))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(_padded(x, 3)))
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                taps.append(x)
        return taps


class _Block(nn.Module):
    """An inverted residual (Sandler et al. 2018): widen, look around channel by channel, narrow."""

    def __init__(self, channels: int, factor: int, kernel: int, stride: int, out: int) -> None:
        super().__init__()
        inside = factor * channels
        self.expand = nn.Conv2d(channels, inside, 1) if factor > 1 else None
        padding = kernel // 2 if stride == 1 else 0
        self.depthwise = nn.Conv2d(inside, inside, kernel, stride=stride, padding=padding, groups=inside)
        self.project = nn.Conv2d(inside, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        if self.depthwise.stride[0] == 2:
            y = _padded(y, self.depthwise.kernel_size[0])
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if x.shape == y.shape else y


def _padded(x: Tensor, kernel: int) -> Tensor:
    """As TensorFlow pads an even picture before a stride of 2: the odd pixel at the right and the bottom."""
    before, after = (kernel - 2) // 2, (kernel - 1) // 2
    return F.pad(x, (before, after, before, after))
