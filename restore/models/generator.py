"""The generators: they deblur, denoise and coarsely fill a frame, starting from what its neighbours saw.

Both read the evidence stack (`restore/propagation/evidence.py`). `GatedGenerator` also estimates how degraded the frame
is, and returns the frame itself, bit for bit, where it estimates that nothing is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.frame import HIDDEN
from restore.models.degradation import STATISTICS, levels_of, statistics
from restore.models.unet import ResidualBlock, UNet
from restore.propagation.evidence import BASE, CHANNELS, FRAME, MASK
from restore.tensors import pad_to_multiple

GATE_SHUT = -1.5  # `log_level` of the estimated error up to which a seen pixel is returned as it is: 0.1 levels of 255
GATE_OPEN = -0.5  # and from which all of what the network adds is added: 0.5 levels
SLOPE = 0.1  # of the leaky rectifiers
GUESSING = 16  # channels of the small network that reads the statistics alone


@dataclass(frozen=True)
class Estimate:
    """What a `GatedGenerator` makes of a frame.

    Attributes:
        restored: `B 3 H W`, about [-1, 1] (not clipped).
        log_level: `B 1 H W`, the estimated error of the frame around each pixel, as `degradation.log_level`.
        blend: `B 1 H W` in [0, 1], the share of the base; 1 where the pixel is hidden.
    """

    restored: Tensor
    log_level: Tensor
    blend: Tensor

    @property
    def level(self) -> Tensor:
        """`B 1 H W`, the estimated root-mean-square error of the frame around each pixel, in levels of 255."""
        return levels_of(self.log_level)


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


class GatedGenerator(nn.Module):
    """Evidence `B 23 H W` => restored picture `B 3 H W`, about [-1, 1] (not clipped), any H and W:

        restored = frame + gate * (blend * (base - frame) + residual)

    where the network computes the blend, the residual and the logarithm of the frame's local error, and the gate is a
    ramp of that: 0 where the frame is estimated to be right, 1 where it is wrong or hidden. The base averages other
    frames; it has less noise than the frame, and less detail.

    Args:
        unshuffle: the working resolution is 1/`unshuffle` of the picture's.
        widths: channels at each level; each level halves the resolution again.
        blocks, decoder_blocks: residual blocks at each level, on the way down and on the way up.

    The default is 4.4 GMAC a frame at 320x240.

    >>> GatedGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 23, 17, 30)).shape
    torch.Size([1, 3, 17, 30])
    """

    def __init__(
        self,
        *,
        unshuffle: int = 2,
        widths: Sequence[int] = (32, 72, 128, 192),
        blocks: Sequence[int] = (1, 2, 2, 2),
        decoder_blocks: Sequence[int] = (2, 1, 1),
    ) -> None:
        super().__init__()
        if not len(widths) == len(blocks) == len(decoder_blocks) + 1:
            raise ValueError(
                f"need one entry of blocks a level and one of decoder_blocks for all but the deepest: "
                f"got {list(widths)}, {list(blocks)}, {list(decoder_blocks)}"
            )
        self.unshuffle = unshuffle
        self.multiple = unshuffle * 2 ** (len(widths) - 1)
        pairs = list(pairwise(widths))
        self.head = nn.Conv2d(CHANNELS, widths[0], unshuffle + 2, stride=unshuffle, padding=1)
        self.measure = nn.Conv2d(STATISTICS, widths[0], 1)
        self.encoders = nn.ModuleList(_residual(width, n) for width, n in zip(widths, blocks, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(wide, deep, 2, stride=2) for wide, deep in pairs)
        self.ups = nn.ModuleList(nn.Conv2d(deep, wide, 1) for wide, deep in pairs)
        self.decoders = nn.ModuleList(_residual(width, n) for width, n in zip(widths, decoder_blocks, strict=False))
        self.tail = nn.Conv2d(widths[0], 5 * unshuffle**2, 3, padding=1)
        # Error and blend from the statistics alone: too small to be slow to learn, right for most frames.
        self.guess = nn.Sequential(nn.Conv2d(STATISTICS, GUESSING, 1), nn.ReLU(), nn.Conv2d(GUESSING, 2, 1))
        self._initialise()

    def _initialise(self) -> None:
        """After He et al. 2015, with which features have one scale at every depth: PyTorch's own lets them fade
        until biases alone decide, and units die. Residual blocks begin close to the identity, and the network with
        nothing to add to what the statistics guess.
        """
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if name.startswith("ups") else "relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            for block in self.modules():
                if isinstance(block, ResidualBlock):
                    block.second.weight.mul_(0.2)
            self.tail.weight.zero_()

    def forward(self, evidence: Tensor) -> Tensor:
        return self.estimate(evidence).restored

    def estimate(self, evidence: Tensor) -> Estimate:
        """What to make of the frame, and how degraded it is."""
        height, width = evidence.shape[-2:]
        padded = pad_to_multiple(evidence, self.multiple)
        size = padded.shape[-2] // self.unshuffle, padded.shape[-1] // self.unshuffle
        measured = statistics(padded, size).to(self.head.weight.dtype)  # B 6 H/u W/u

        # Encoder.
        x = self.head(padded.to(self.head.weight.dtype)) + self.measure(measured)
        x = F.leaky_relu(x, SLOPE)  # B widths[0] H/u W/u
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            x = encoder(x)
            skips.append(x)
            x = F.leaky_relu(down(x), SLOPE)
        x = self.encoders[-1](x)

        # Decoder: a sum with the skip costs less than a convolution over both.
        for level in reversed(range(len(self.ups))):
            x = F.interpolate(self.ups[level](x), scale_factor=2.0, mode="nearest") + skips[level]
            x = self.decoders[level](x)
        x = F.pixel_shuffle(self.tail(x), self.unshuffle)[..., :height, :width].to(evidence.dtype)
        guess = F.interpolate(self.guess(measured), scale_factor=float(self.unshuffle), mode="nearest")
        guess = guess[..., :height, :width].to(evidence.dtype)

        # Blend and gate, in the evidence's own precision.
        residual, log_level = x[:, :3], x[:, 4:5] + guess[:, :1]
        hidden = (evidence[:, MASK] > HIDDEN).to(evidence.dtype)
        blend = torch.maximum((x[:, 3:4] + guess[:, 1:]).sigmoid(), hidden)
        gate = torch.maximum(((log_level - GATE_SHUT) / (GATE_OPEN - GATE_SHUT)).clamp(0, 1), hidden)
        frame, base = evidence[:, FRAME], evidence[:, BASE]
        return Estimate(frame + gate * (blend * (base - frame) + residual), log_level, blend)


class LevelledGenerator(nn.Module):
    """Evidence `B 23 H W` => restored `B 3 H W`, `log_level` `B 1 H W`: a `GatedGenerator` as its training calls it."""

    def __init__(self, generator: GatedGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, evidence: Tensor) -> tuple[Tensor, Tensor]:
        estimate = self.generator.estimate(evidence)
        return estimate.restored, estimate.log_level


def _residual(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, slope=SLOPE) for _ in range(count)))
