"""The generators: they deblur, denoise and coarsely fill a frame, starting from what its neighbours saw.

Both read the evidence stack (`restore/propagation/evidence.py`). `GatedGenerator` also estimates how degraded the frame
is, and returns the frame itself, bit for bit, where it estimates that nothing is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.frame import HIDDEN
from restore.models.averaging import joined, network_grey, sharp, sharpening
from restore.models.crops import crops
from restore.models.degradation import STATISTICS, noise_level, noisy, spectrum, statistics
from restore.models.softness import RINGS, blur_logit
from restore.models.unet import UNet
from restore.propagation.evidence import BASE, CHANNELS, FRAME, MASK
from restore.tensors import pad_to_multiple

NO_ERROR = -2.0  # `log_level` of none
GATE_SHUT = -1.5  # `log_level` of the estimated error up to which a seen pixel is returned as it is: 0.1 levels of 255
GATE_OPEN = -0.5  # and from which all of what the network adds is added: 0.5 levels
REACH = 48  # px around hidden ones that the network reads where nothing else may change; more hardly matters
GUESSING = 16  # channels of the small network that reads the statistics alone


@dataclass(frozen=True)
class Estimate:
    """What a `GatedGenerator` makes of a frame.

    Attributes:
        restored: `B 3 H W`, about [-1, 1] (not clipped).
        log_level: `B 1 H W`, the estimated error of the frame around each pixel, as `degradation.log_level`.
        gate: `B 1 H W` in [0, 1], the share of the correction, or of the average, that is made; 1 where it is hidden.
        degraded: what was measured of the frame.
    """

    restored: Tensor
    log_level: Tensor
    gate: Tensor
    degraded: "Degraded"

    def of_visible(self, hidden: Tensor) -> Tensor:
        """`B 3`, of the pixels of each frame that are not `hidden`, bool `B 1 H W`: the noise in levels, how likely a
        blur is, in [0, 1], and the mean share of the correction that is made; NaN where none is visible.
        """
        share = self.gate.masked_fill(hidden, torch.nan).flatten(1).nanmean(1)
        measured = (self.degraded.noise.flatten(), self.degraded.softness.sigmoid().flatten())
        return torch.stack([*(value + 0 * share for value in measured), share], 1)

    def planes(self) -> tuple[np.ndarray, np.ndarray]:
        """`log_level` and `gate`, float32 `B H W`."""
        return self.log_level[:, 0].float().cpu().numpy(), self.gate[:, 0].float().cpu().numpy()


@dataclass(frozen=True)
class Degraded:
    """What is measured of frames without a network, that no frame comes out changed in which there is nothing wrong.

    Attributes:
        noise: `B 1 1 1`, the `noise_level`.
        softness: `B 1 1 1`, the logit of a blur, see `models/softness.py`.
    """

    noise: Tensor
    softness: Tensor

    @classmethod
    def of(cls, evidence: Tensor) -> "Degraded":
        """What is measured of `B 23 H W`."""
        hidden = evidence[:, MASK] > HIDDEN
        return cls(noise_level(evidence), blur_logit(evidence[:, FRAME], hidden).to(evidence.dtype))

    @property
    def opens(self) -> Tensor:
        """`B 1 1 1` in [0, 1], how much of a correction may be made: 0 without noise. A blur without noise is undone
        better by deconvolution (`deconvolution/`).
        """
        return noisy(self.noise)


def changeable(evidence: Tensor) -> Tensor:
    """bool `B`, the frames of `B 23 H W` that a gated generator may change, whatever its weights."""
    return (evidence[:, MASK] > HIDDEN).flatten(1).any(1) | (Degraded.of(evidence).opens > 0).flatten()


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

        restored = frame + gate * (base + residual - frame)

    and where noise is weak, joined with an average over time (`averaging.py`). The network computes the residual, as
    that of `UNetGenerator`, and the gate: the share of the correction that is made, 0 where the frame is estimated to
    be right, 1 where it is hidden. It reads the statistics of the degradation too, which tell it more than it sees of
    the frame.

    Args:
        unshuffle, widths, blocks, decoder_blocks: see `UNet`. The default is 12 GMAC a frame at 320x240.
        reads_spectrum: the network is told the spectrum of the base, too.

    >>> GatedGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 23, 17, 30)).shape
    torch.Size([1, 3, 17, 30])
    """

    def __init__(
        self,
        *,
        unshuffle: int = 2,
        widths: Sequence[int] = (64, 96, 160, 256),
        blocks: Sequence[int] = (1, 2, 2, 3),
        decoder_blocks: Sequence[int] = (1, 1, 1),
        reads_spectrum: bool = False,
    ) -> None:
        super().__init__()
        self.reads_spectrum = reads_spectrum
        told = STATISTICS + RINGS * reads_spectrum
        self.unet = UNet(
            in_channels=CHANNELS,
            out_channels=5,
            unshuffle=unshuffle,
            widths=widths,
            blocks=blocks,
            decoder_blocks=decoder_blocks,
            feature_channels=[told],
        )
        # Error and share from the statistics alone: too small to be slow to learn, right for most frames.
        self.guess = nn.Sequential(nn.Conv2d(told, GUESSING, 1), nn.ReLU(), nn.Conv2d(GUESSING, 2, 1))

    @torch.no_grad()
    def take_over(self, generator: "UNetGenerator | GatedGenerator") -> None:
        """Begin with what another generator of the same widths and blocks has learned. What it did not have adds
        nothing at first: the share, the level and the reading of statistics and spectrum.

        Raises:
            RuntimeError: it has another shape.
        """
        learned = generator.state_dict()
        if isinstance(generator, GatedGenerator):
            for name in ("unet.projections.0.weight", "guess.0.weight"):
                if self.reads_spectrum and not generator.reads_spectrum:
                    learned[name] = F.pad(learned[name], (0, 0, 0, 0, 0, RINGS))
            self.load_state_dict(learned)
            return
        for name, own in self.unet.tail.named_parameters():
            tail = torch.zeros_like(own)
            tail[: len(learned[f"unet.tail.{name}"])] = learned[f"unet.tail.{name}"]
            learned[f"unet.tail.{name}"] = tail
        for name, own in self.unet.projections.named_parameters():
            learned[f"unet.projections.{name}"] = torch.zeros_like(own)
        guess = {name: own for name, own in self.state_dict().items() if name.startswith("guess.")}
        self.load_state_dict(learned | guess)

    def forward(self, evidence: Tensor) -> Tensor:
        return self.estimate(evidence).restored

    def estimate(self, evidence: Tensor) -> Estimate:
        """What to make of the frame, and how degraded it is. In use, frames that come out as they went in cost next to
        nothing: of a batch that has no noise and nothing hidden no more is measured, and no error estimated.
        """
        hidden = (evidence[:, MASK] > HIDDEN).to(evidence.dtype)
        degraded = Degraded.of(evidence)
        if not self.training and not (degraded.opens.any() or hidden.any()):
            return Estimate(evidence[:, FRAME], torch.full_like(hidden, NO_ERROR), hidden, degraded)

        padded = pad_to_multiple(evidence, self.unet.multiple)
        unshuffle = self.unet.unshuffle
        measured = statistics(padded, (padded.shape[-2] // unshuffle, padded.shape[-1] // unshuffle))  # B 8 H/u W/u
        if self.reads_spectrum:
            measured = torch.cat([measured, spectrum(evidence).expand(-1, -1, *measured.shape[-2:])], 1)
        measured = measured.to(next(self.guess.parameters()).dtype)
        if self.training or degraded.opens.any():
            x = self.unet(padded, [measured])
        else:  # nothing but hidden pixels may change
            x = self._around(pad_to_multiple(hidden, self.unet.multiple), padded, measured)
        estimate = Estimate(*self.corrected(evidence, x, measured, degraded), degraded)
        if degraded.opens.any():
            network = (evidence[:, BASE].mean(1, keepdim=True), network_grey(evidence, x))
            averages = degraded.opens * sharp(sharpening(*network, hidden))
            restored, gate = joined(evidence, estimate.restored, estimate.gate, degraded.noise, averages)
            estimate = replace(estimate, restored=restored, gate=gate)
        return estimate

    def corrected(
        self,
        evidence: Tensor,
        x: Tensor,
        measured: Tensor,
        degraded: Degraded,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The first three of an `Estimate`, of `B 23 H W`, or of some rows of it, before an average joins in.

        Args:
            x: what the network made of it, `B 5 H W`, or more rows and columns to the bottom and the right.
            measured: what it was told of it, `B C H/u W/u`, or more likewise.
        """
        height, width = evidence.shape[-2:]
        frame, base = evidence[:, FRAME], evidence[:, BASE]
        hidden = (evidence[:, MASK] > HIDDEN).to(evidence.dtype)
        guess = F.interpolate(self.guess(measured), scale_factor=float(self.unet.unshuffle), mode="nearest")
        guess = guess[..., :height, :width].to(evidence.dtype)
        x = x[..., :height, :width].to(evidence.dtype)
        residual, share, log_level = x.split([3, 1, 1], 1)
        log_level = log_level + guess[:, :1]
        erring = ((log_level - GATE_SHUT) / (GATE_OPEN - GATE_SHUT)).clamp(0, 1)
        gate = torch.maximum(degraded.opens * erring * (share + guess[:, 1:]).sigmoid(), hidden)
        return frame + gate * (base + residual - frame), log_level, gate

    def _around(self, hidden: Tensor, padded: Tensor, measured: Tensor) -> Tensor:
        """What the network makes of the picture around hidden pixels, and zeros elsewhere: `B 5 H W`."""
        unshuffle = self.unet.unshuffle
        result = padded.new_zeros(len(padded), 5, *padded.shape[-2:])
        for rows, columns in crops(hidden, self.unet.multiple, REACH):
            down, across = (slice(part.start // unshuffle, part.stop // unshuffle) for part in (rows, columns))
            result[..., rows, columns] = self.unet(padded[..., rows, columns], [measured[..., down, across]])
        return result


class LevelledGenerator(nn.Module):
    """Evidence `B 23 H W` => restored `B 3 H W`, `log_level` `B 1 H W`: a `GatedGenerator` as its training calls it."""

    def __init__(self, generator: GatedGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, evidence: Tensor) -> tuple[Tensor, Tensor]:
        estimate = self.generator.estimate(evidence)
        return estimate.restored, estimate.log_level
