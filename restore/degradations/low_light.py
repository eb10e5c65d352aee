"""Too little light: the picture is dark, and since few photons are counted, noisy.

Both are worked out on linear light (levels to the power of `GAMMA`), where photons add up.
"""

import torch
from torch import Tensor

from restore.light.curve import GAMMA, shouldered

READ = 0.005  # the electronics' noise as a share of that of a white pixel's light, in variance


def dimmed(clip: Tensor, light: float) -> Tensor:
    """A clip `T 3 H W` in [-1, 1] at a share `light` of its light, in (0, 1]; 1 is the identity.

    >>> torch.round((dimmed(torch.ones(1, 3, 1, 1), 0.2) + 1) * 127.5)[0, 0]
    tensor([[123.]])
    """
    return clip if light == 1 else _levels(_linear(clip) * light)


def lightened(clip: Tensor, gain: float) -> Tensor:
    """A clip `T 3 H W` in [-1, 1] with `gain` times its light, at least 1, as `--light` gives it; 1 is the identity.

    >>> torch.round((lightened(torch.tensor([[[[-0.8]]]]), 4.0) + 1) * 127.5).item()
    48.0
    """
    return clip if gain == 1 else _levels(shouldered(_linear(clip) * gain, torch.tensor(gain)))


def few_photons(clip: Tensor, shot: float, *, generator: torch.Generator) -> Tensor:
    """A clip `T 3 H W` in [-1, 1] as counted photon by photon.

    Args:
        shot: the variance of a white pixel, in linear light in [0, 1]: one over the photons that it counts. 0 is the
            identity.
    """
    if not shot:
        return clip
    linear = _linear(clip)
    noise = torch.randn(clip.shape, generator=generator).to(clip)
    return _levels((linear + noise * (shot * (linear + READ)).sqrt()).clamp(0, 1))


def _linear(clip: Tensor) -> Tensor:
    return ((clip + 1) / 2).clamp(0, 1).pow(GAMMA)


def _levels(linear: Tensor) -> Tensor:
    return linear.pow(1 / GAMMA) * 2 - 1
