"""A residual U-Net that works at a fraction of the picture's resolution, after Ronneberger et al. 2015 and EDSR.

The first layer moves the picture to the working resolution as pixel-unshuffle would, losing nothing; plain 3x3
convolutions without normalisation are what CPUs run fastest, and preserve the colours of a picture (Lim et al. 2017).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.models.padded import PaddedNetwork, zeros


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), 3x3, `C` channels in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class UNet(PaddedNetwork):
    """`B in H W` => `B out H W`, any H and W.

    Args:
        in_channels, out_channels: of the picture at full resolution.
        unshuffle: the working resolution is 1/`unshuffle` of the picture's.
        widths: channels at each level; each level halves the resolution again.
        blocks: residual blocks at each level, on the way down (the deepest level's are the bottleneck).
        decoder_blocks: residual blocks at each level on the way up.
        feature_channels: of what another network sees in the picture, level by level from the first; empty for none.

    The last layer starts at zero, so that an untrained network returns zeros. The picture may be of another type than
    the weights, which decide the type that is computed in and returned.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        unshuffle: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        decoder_blocks: Sequence[int],
        feature_channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if not len(widths) == len(blocks) == len(decoder_blocks) + 1:
            raise ValueError(
                f"need one entry of blocks a level and one of decoder_blocks for all but the deepest: "
                f"got {list(widths)}, {list(blocks)}, {list(decoder_blocks)}"
            )
        self.unshuffle = unshuffle
        self.feature_channels = tuple(feature_channels)
        self.multiple = unshuffle * 2 ** (len(widths) - 1)
        pairs = list(pairwise(widths))
        # 3x3 over the pixel-unshuffled picture, as one strided convolution: the same sums without moving the data.
        self.head = nn.Conv2d(in_channels, widths[0], 3 * unshuffle, stride=unshuffle, padding=unshuffle)
        self.encoders = nn.ModuleList(_blocks(width, n) for width, n in zip(widths, blocks, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(wide, deep, 2, stride=2) for wide, deep in pairs)
        self.ups = nn.ModuleList(nn.Conv2d(deep, wide, 1) for wide, deep in pairs)
        self.merges = nn.ModuleList(nn.Conv2d(2 * wide, wide, 3, padding=1) for wide, _ in pairs)
        self.decoders = nn.ModuleList(_blocks(width, n) for width, n in zip(widths, decoder_blocks, strict=False))
        self.projections = nn.ModuleList(
            nn.Conv2d(channels, width, 1) for channels, width in zip(feature_channels, widths, strict=False)
        )
        self.tail = nn.Conv2d(widths[0], out_channels * unshuffle**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def whole(self, x: Tensor, *features: Tensor) -> Tensor:
        """`features`: `B C h w` for each of `feature_channels`, at the levels' resolutions."""
        x = F.relu(self.head(x))  # B widths[0] H/u W/u
        x = self.level(0, x, features)
        return F.pixel_shuffle(self.tail(x), self.unshuffle)  # B out H W

    def level(self, number: int, x: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """A level and all below it, `B C h w` => the same shape."""
        x = self.down(number, x, features)
        if number == len(self.downs):
            return x
        return self.up(number, self.level(number + 1, self.downs[number](x), features), x)

    def down(self, number: int, x: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """The encoder of a level."""
        if number < len(self.projections):
            x = x + self.projections[number](features[number])
        x = self.encoders[number](x)
        return x

    def up(self, number: int, deeper: Tensor, skip: Tensor) -> Tensor:
        """The decoder of a level, on what came of the one below it, `B C h/2 w/2`, and of its encoder."""
        x = F.interpolate(self.ups[number](deeper), scale_factor=2.0, mode="nearest")
        x = F.relu(self.merges[number](torch.cat([x, skip], 1)))
        x = self.decoders[number](x)
        return x

    def examples(self) -> tuple[Tensor, ...]:
        side = 2 * self.multiple
        sides = (side // self.unshuffle // 2**level for level in range(len(self.feature_channels)))
        features = map(zeros, self.feature_channels, sides)
        return zeros(self.head.in_channels, side), *features


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))
