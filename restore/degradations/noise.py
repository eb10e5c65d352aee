"""The sensor's noise, and what the camera's own denoiser leaves of it.

Strengths are in levels of 255; 0 is the identity. Clips are `T 3 H W` in [-1, 1]; results are neither clipped nor
rounded, since what comes after the sensor works on them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.degradations.blur import convolved
from restore.tensors import UNIT_LEVELS


def white(clip: Tensor, sigma: float, *, generator: torch.Generator) -> Tensor:
    """The same noise everywhere: a sensor at a high gain, after its gamma.

    >>> white(torch.zeros(2, 3, 8, 8), 10.0, generator=torch.Generator()).shape
    torch.Size([2, 3, 8, 8])
    """
    return clip + _normal(clip, generator) * (sigma / UNIT_LEVELS) if sigma else clip


def shot_and_read(clip: Tensor, shot: float, read: float, *, generator: torch.Generator) -> Tensor:
    """Noise of the light itself, whose variance grows with the level, and of the electronics, which is the same in the
    dark: Poisson and Gaussian, the first as a Gaussian too, as where many photons are counted.

    Args:
        shot: its sigma at level 128.
        read: its sigma.
    """
    if not shot and not read:
        return clip
    variance = shot**2 * (clip + 1).clamp(min=0) + read**2
    return clip + _normal(clip, generator) * (variance.sqrt() / UNIT_LEVELS)


def coarse(clip: Tensor, sigma: float, *, reach: float, coloured: bool, generator: torch.Generator) -> Tensor:
    """Noise that neighbouring pixels share, as after demosaicing or a scan of film.

    Args:
        sigma: of the result.
        reach: sigma in px of the Gaussian that it is smoothed by.
        coloured: each channel has its own, else it is grey.
    """
    if not sigma:
        return clip
    noise = _normal(clip if coloured else clip[:, :1], generator)
    at = torch.arange(-3.0, 4.0, dtype=clip.dtype)
    line = torch.exp(-at.square() / (2 * max(reach, 0.05) ** 2))
    kernel = line[:, None] * line
    kernel = kernel / kernel.square().sum().sqrt()  # the sum of squares is 1: the variance stays
    return clip + convolved(noise, kernel.expand(len(clip), -1, -1)) * (sigma / UNIT_LEVELS)


def smoothed(clip: Tensor, sigma: float, *, amount: float, generator: torch.Generator) -> Tensor:
    """White noise after a camera's own denoiser: averaged over time where little changes, which leaves slow blotches
    and trails, and over the neighbourhood, which takes fine detail along.

    Args:
        sigma: of the noise before.
        amount: of the denoiser, in [0, 1]; 0 is `white`.
    """
    if not sigma:
        return clip
    noisy = white(clip, sigma, generator=generator)
    if not amount:
        return noisy
    # An edge filter: a pixel is averaged with the neighbours that differ from it by less than the noise.
    shape = noisy.shape[-2:]
    padded = F.pad(noisy, (1, 1, 1, 1), mode="replicate")
    total, weights = noisy.clone(), torch.ones_like(noisy)
    for row in range(3):
        for column in range(3):
            if (row, column) == (1, 1):
                continue
            other = padded[..., row : row + shape[0], column : column + shape[1]]
            weight = torch.exp(-((other - noisy) * (UNIT_LEVELS / (2 * sigma))).square())
            total += weight * other
            weights += weight
    smooth = torch.lerp(noisy, total / weights, amount)
    # A recursive temporal filter, which lets go where the change is larger than the noise.
    filtered = [smooth[0]]
    for frame in smooth[1:]:
        # The mean over a neighbourhood: there, only the scene changes by as much as the noise of one pixel.
        change = F.avg_pool2d(frame - filtered[-1], 5, 1, 2).mean(0, keepdim=True) * (UNIT_LEVELS / (0.5 * sigma + 2))
        filtered.append(torch.lerp(filtered[-1], frame, (1 - 0.7 * amount + change.square()).clamp(max=1)))
    return torch.stack(filtered)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Drawn on the CPU, so that the same seed gives the same noise on any device."""
    return torch.randn(like.shape, generator=generator).to(like)
