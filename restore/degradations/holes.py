"""Rectangular holes to regenerate: stationary and variable, from slivers to most of the picture."""

import math

import torch
from torch import Tensor

STATIONARY = 0.6  # share of the clips whose hole stays where it is; it moves in half of the others, jumps in the rest
SLIMMEST = 6.0  # sides' ratio


def draw_holes(
    *, frames: int, height: int, width: int, least: float, most: float, generator: torch.Generator
) -> Tensor:
    """One hole over one clip, float `T 1 H W`, 1 where the picture is hidden.

    Args:
        least, most: share of the picture that is hidden; its logarithm is drawn uniformly.

    >>> hole = draw_holes(
    ...     frames=2, height=40, width=40, least=0.25, most=0.25, generator=torch.Generator().manual_seed(0)
    ... )
    >>> 0.2 < hole.mean() < 0.3
    tensor(True)
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    share = math.exp(uniform(math.log(least), math.log(most)))
    # Neither side longer than the picture's, at the share that is drawn.
    slim = min(SLIMMEST, 1 / share)
    ratio = math.exp(uniform(-math.log(slim), math.log(slim)) / 2)
    rows = max(1, min(height, round(height * math.sqrt(share) * ratio)))
    columns = max(1, min(width, round(width * math.sqrt(share) / ratio)))
    room = torch.tensor([height - rows, width - columns])
    start = torch.rand(frames, 2, generator=generator)
    kind = uniform(0, 1)
    if kind < STATIONARY:
        start = start[:1].expand(frames, 2)
    elif kind < (1 + STATIONARY) / 2:  # from one place to another
        start = torch.lerp(start[:1], start[-1:], torch.linspace(0, 1, frames).view(-1, 1))
    mask = torch.zeros(frames, 1, height, width)
    for frame, (top, left) in zip(mask, (start * (room + 1)).long().minimum(room).tolist(), strict=True):
        frame[:, top : top + rows, left : left + columns] = 1
    return mask
