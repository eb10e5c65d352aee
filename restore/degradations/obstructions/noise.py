"""Fractal noise: smooth random pictures, each octave twice as fine and half as strong as the one before."""

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def fractal_noise(
    *,
    height: int,
    width: int,
    cells: tuple[float, float],
    octaves: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Float `H W` in [0, 1].

    Args:
        cells: bumps of the coarsest octave along the frame's shorter side, down and across; unequal ones make streaks.

    >>> noise = fractal_noise(height=6, width=8, cells=(2, 2), octaves=3, generator=torch.Generator())
    >>> noise.shape, noise.min().item(), noise.max().item()
    (torch.Size([6, 8]), 0.0, 1.0)
    """
    short = min(height, width)
    total = torch.zeros(1, 1, height, width, device=device)
    for octave in range(octaves):
        rows, columns = (
            2 + math.ceil(count * 2**octave * side / short) for count, side in zip(cells, (height, width), strict=True)
        )
        grid = torch.rand(1, 1, rows, columns, generator=generator).to(device)
        total += interpolate(grid, (height, width), mode="bicubic", align_corners=False) / 2**octave
    total = total - total.min()
    return (total / total.max().clamp(min=1e-6))[0, 0]


def smoothstep(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, smooth between (3x² - 2x³)."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def above(noise: Tensor, share: float) -> Tensor:
    """How far `noise` (`H W`) lies above the level that `share` of its pixels exceed; negative below.

    >>> above(torch.tensor([[0.0, 0.25, 0.5, 1.0]]), 0.25).tolist()
    [[-0.5, -0.25, 0.0, 0.5]]
    """
    rank = min(noise.numel(), max(1, round((1 - share) * noise.numel())))
    return noise - noise.flatten().kthvalue(rank).values  # torch.quantile takes no more than 16 million
