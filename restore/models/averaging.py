"""Noise, removed by averaging what other frames saw of the same, where they did see the same.

A network takes some texture for noise; an average of what was seen invents nothing. By how much it may be wrong follows
from how far it is from the frame: beyond what noise alone explains, it is of something else. Average and network are
joined by the inverse of their squared errors, as estimates of one thing are. An average of a blurred scene is blurred,
which its noise hides; but a network that was trained to sharpen does so to a blurred scene, and hardly to a sharp one.
The numbers are chosen on training clips, with noise of sigma 4 to 26.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.frame import HIDDEN
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK
from restore.propagation.memory import AVERAGED
from restore.tensors import UNIT_LEVELS

SIGMA = 1.4  # times the noise level, as that is the mean of absolute differences where they are least
SIDE = 3  # px; of what is averaged to tell whether a difference is noise. Not a share of the height: noise has one size
SLACK = 1.7  # times what noise explains, that a difference may be by chance
NETWORK, NETWORK_SHARE = 6.0, 0.2  # levels, and of sigma: the error of the network
WEAK, STRONG = 10.0, 14.0  # of the noise level; up to the first it is averaged, and from which the network knows better
FINE = 5  # px; a side of what fine detail is the difference to
SHARP, BLURRED = 0.4, 0.6  # of that what the network adds: up to the first all is averaged, from the second nothing


def joined(evidence: Tensor, restored: Tensor, gate: Tensor, noise: Tensor, averages: Tensor) -> tuple[Tensor, Tensor]:
    """What a network restored, joined with the average, `B 3 H W`, and the share of the change that is made, `B 1 H W`.

    Args:
        evidence: `B 23 H W`, or some rows of it with `SIDE // 2` around.
        restored, gate: of an `Estimate`, of the same rows.
        noise, averages: `B 1 1 1`, the `noise_level`, and how much of the average counts.
    """
    mean, share = averaged(evidence, noise)
    share = share * averages
    return restored + share * (mean - restored), torch.maximum(gate, share)


def sharpening(base: Tensor, network: Tensor, hidden: Tensor) -> Tensor:
    """How far a network sharpens the visible part of a picture: `B 2`, sums over its pixels. Of the first over the
    second what it adds to the base is so many times the fine detail of the result.

    Args:
        base, network: grey, `B 1 H W`; what it reads and what it makes of that.
        hidden: `B 1 H W`, 1 where the picture is.
    """
    detail = network - F.avg_pool2d(network, FINE, 1, FINE // 2, count_include_pad=False)
    visible = detail * (1 - hidden)
    return torch.stack([(visible * (network - base)).flatten(1).sum(1), (visible * visible).flatten(1).sum(1)], 1)


def sharp(sharpening: Tensor) -> Tensor:
    """How much a mean of frames counts, `B 1 1 1` in [0, 1]: 0 where the scene is blurred, which it would leave."""
    added, detail = sharpening.split(1, 1)
    return ((BLURRED - added / detail.clamp(min=1e-6)) / (BLURRED - SHARP)).clamp(0, 1)[..., None, None]


def network_grey(evidence: Tensor, x: Tensor) -> Tensor:
    """What a network makes of the base, grey `B 1 H W`, by its outputs `x`, `B 5 H W` or more rows and columns."""
    height, width = evidence.shape[-2:]
    return (evidence[:, BASE] + x[:, :3, :height, :width].to(evidence.dtype)).mean(1, keepdim=True)


def averaged(evidence: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The average that a visible pixel may be replaced by, `B 3 H W` in [-1, 1], and with what share in [0, 1] against
    what a network makes of it, `B 1 H W`: 0 where it is hidden, no other frame saw it, or the noise is very strong.

    Args:
        evidence: `B 23 H W`.
        noise: the `noise_level`, `B 1 1 1`.
    """
    frame, base = evidence[:, FRAME], evidence[:, BASE]
    sigma2 = (SIGMA * noise) ** 2
    count = 1 + AVERAGED * evidence[:, COUNTS].sum(1, keepdim=True)  # frames that the base is averaged from
    squared = ((frame - base) * UNIT_LEVELS).square().mean(1, keepdim=True)
    found = F.avg_pool2d(squared, SIDE, 1, SIDE // 2, count_include_pad=False)
    by_noise = sigma2 * (1 - 1 / count)
    agree = (SLACK * by_noise / found.clamp(min=1e-6)).clamp(max=1).square()
    picture = frame + agree * (base - frame)

    error = agree.square() * ((found - by_noise).clamp(min=0) + sigma2 / count) + (1 - agree).square() * sigma2
    network = NETWORK**2 + (NETWORK_SHARE**2) * sigma2
    weak = ((STRONG - noise) / (STRONG - WEAK)).clamp(0, 1) * (count - 1).clamp(max=1)
    visible = (evidence[:, MASK] <= HIDDEN).to(evidence.dtype)
    return picture, weak * visible * network / (error + network)
