"""Weak noise, removed by averaging what other frames saw of the same, where they did see the same.

A network takes some texture for noise; an average of what was seen invents nothing. By how much it may be wrong follows
from how far it is from the frame: beyond what noise alone explains, it is of something else. Average and network are
joined by the inverse of their squared errors, as estimates of one thing are. The numbers are chosen on training clips,
with noise of sigma 4 and 8.
"""

import torch.nn.functional as F
from torch import Tensor

from restore.frame import HIDDEN
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK
from restore.propagation.memory import AVERAGED
from restore.tensors import UNIT_LEVELS

SIGMA = 1.4  # times the noise floor, as that is the mean of absolute differences where they are least
SIDE = 3  # px; of what is averaged to tell whether a difference is noise. Not a share of the height: noise has one size
SLACK = 1.7  # times what noise explains, that a difference may be by chance
NETWORK, NETWORK_SHARE = 6.0, 0.2  # levels, and of sigma: the error of the network
WEAK, STRONG = 6.0, 8.0  # levels of the noise floor up to which it is averaged, and from which the network knows better


def averaged(evidence: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The average that a visible pixel may be replaced by, `B 3 H W` in [-1, 1], and with what share in [0, 1] against
    what a network makes of it, `B 1 H W`: 0 where it is hidden, no other frame saw it, or the noise is strong.

    Args:
        evidence: `B 23 H W`.
        noise: the `noise_floor`, `B 1 1 1`.
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
