"""Small things on a large picture, each drawn in as few pixels as it needs."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor


def around(centres: Tensor, reach: int) -> tuple[list[tuple[int, int]], Tensor]:
    """Patches of `2 reach + 1` px around `centres` (`N 2`, row and column in px, any fraction).

    Returns:
        The row and column of each patch's corner, and `N 2 P P`: how far each pixel lies from its centre, (down, right)
        in px.

    >>> corners, offsets = around(torch.tensor([[5.0, 7.5]]), 1)
    >>> corners, offsets[0, 1, 0].tolist()
    ([(4, 6)], [-1.5, -0.5, 0.5])
    """
    steps = torch.arange(-reach, reach + 1, device=centres.device)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))  # 2 P P
    whole = centres.floor()
    corners = [(row - reach, column - reach) for row, column in whole.int().tolist()]
    return corners, grid - (centres - whole)[..., None, None]


def paste(canvas: Tensor, patch: Tensor, alpha: Tensor, corner: tuple[int, int]) -> None:
    """Blend `patch` (`... C P P`) into `canvas` (`... C H W`) in place, as much as `alpha` (`... 1 P P`) says.

    What lies outside the canvas is cut off.

    >>> canvas = torch.zeros(1, 2, 3)
    >>> paste(canvas, torch.ones(1, 2, 2), torch.ones(1, 2, 2), (-1, 2))
    >>> canvas.tolist()
    [[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]
    """
    spans = []
    for start, side, limit in zip(corner, patch.shape[-2:], canvas.shape[-2:], strict=True):
        least, most = max(start, 0), min(start + side, limit)
        if least >= most:
            return
        spans.append((slice(least, most), slice(least - start, most - start)))
    (rows, from_rows), (columns, from_columns) = spans
    target = canvas[..., rows, columns]
    source, weight = patch[..., from_rows, from_columns], alpha[..., from_rows, from_columns]
    target.copy_(torch.lerp(target, source, weight))


def stroke(canvas: Tensor, points: Sequence[Sequence[float]], widths: Sequence[float]) -> None:
    """Draw a line through `points` (row and column in px) into `canvas` (`H W`) in place, 1 on it and 0 off it.

    Args:
        widths: px of each piece, one fewer than points.

    >>> canvas = torch.zeros(3, 4)
    >>> stroke(canvas, [(1.0, 0.0), (1.0, 3.0)], [1.0])
    >>> canvas.tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    for (start, end), wide in zip(pairwise(points), widths, strict=True):
        reach = wide / 2 + 0.5
        spans = [
            (max(0, math.floor(min(a, b) - reach)), min(limit, math.ceil(max(a, b) + reach) + 1))
            for a, b, limit in zip(start, end, canvas.shape, strict=True)
        ]
        if any(least >= most for least, most in spans):
            continue
        (top, bottom), (left, right) = spans
        y = torch.arange(top, bottom, device=canvas.device).view(-1, 1) - start[0]
        x = torch.arange(left, right, device=canvas.device).view(1, -1) - start[1]
        down, across = end[0] - start[0], end[1] - start[1]
        part = ((y * down + x * across) / max(down**2 + across**2, 1e-6)).clamp(0, 1)
        distance = torch.hypot(y - part * down, x - part * across)
        box = canvas[top:bottom, left:right]
        box.copy_(torch.maximum(box, (reach - distance).clamp(0, 1)))
