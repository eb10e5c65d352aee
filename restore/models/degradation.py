"""How degraded a picture is, measured without a network: what a generator reads in addition to the evidence.

Where other frames saw the same, their average differs from the frame by its noise; where they saw it sharper, or the
frame is soft, its Laplacian is weaker than that of the average. Texture looks like noise; noise is all over the frame,
so that the smoothest parts of it tell how much there is.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.frame import HIDDEN
from restore.models.softness import RINGS, log_spectrum
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK
from restore.tensors import UNIT_LEVELS

STATISTICS = 8
CELL = 8  # px; a side of what is averaged. Not a share of the height: it is the network's reach, in its own pixels
WIDE = 5  # cells; a side of the wider average
FLOOR = 0.25  # levels; of less than this the logarithm makes little difference
LOG_SCALE = 4.0  # brings the logarithms to about 1, as what networks without normalisation read should be
SMOOTHEST = 0.1  # quantile of the cells of a frame that show its noise and no texture
SMOOTH = 0.3  # quantile of those whose differences show whether it is noise
# Levels of the smoothest cells between which they count as noise where they are coloured, and where they are white:
# nearly all clips to train on are below the first as they are, even at their first frames, where they are highest, and
# with noise of sigma 5 above the second.
STRONG, WEAK = (2.2, 2.8), (0.8, 1.0)
# Correlation of neighbouring differences up to which they are white, and from which they are not: of clips as they are
# whose differences are that strong none is below the second; noise of sigma 2 is above it where texture is all over.
WHITE, COLOURED = 0.3, 0.4
COARSE, SMEARED = 0.66, 0.72  # the same for noise that was smoothed or compressed, and for what motion missed
FAINT = 0.8  # levels of noise from which all that mends it is open
DARK, BRIGHT = 16.0, 239.0  # levels between which the mean of a cell is for that: beyond, noise is cut off
NATURAL = 9.0  # log power of the ring at frequency 1 in a natural picture
FEWEST = 0.05  # share of a cell that is seen; below it the wider average is taken


def log_level(levels: Tensor) -> Tensor:
    """Levels of 255, from 0 => log2; -2 is nothing at all.

    >>> log_level(torch.tensor([0.0, 0.75, 15.75]))
    tensor([-2.,  0.,  4.])
    """
    return torch.log2(levels + FLOOR)


def statistics(evidence: Tensor, size: tuple[int, int]) -> Tensor:
    """Of the visible pixels around each place, as `log_level` over `LOG_SCALE`: the mean |frame - base|, the mean
    |Laplacian| of the frame and of the base, each over a cell and over 5x5 cells; and the first two of the smoothest
    cells of the frame, alike at all places.

    Args:
        evidence: `B 23 H W`.
        size: rows and columns of the result.

    Returns:
        `B 8 rows columns`.
    """
    return of_cells(*cells(evidence), size)


def cells(evidence: Tensor) -> tuple[Tensor, Tensor]:
    """What `statistics` are made of, by cells of `CELL` x `CELL` pixels, of which the last row and column may have
    fewer: the measures of the visible pixels and how much is visible, `B 4 h w`, and the mean level, `B 1 h w`.
    """
    seen = (evidence[:, MASK] <= HIDDEN).to(evidence.dtype)
    frame, base = evidence[:, FRAME], evidence[:, BASE]
    difference = (frame - base).abs().mean(1, keepdim=True) * UNIT_LEVELS
    grey = torch.stack([frame.mean(1), base.mean(1)], 1) * UNIT_LEVELS
    measures = torch.cat([difference, _laplacian(grey).abs()], 1)  # B 3 H W
    measured = F.avg_pool2d(torch.cat([measures * seen, seen], 1), CELL, ceil_mode=True)  # B 4 H/8 W/8
    return measured, F.avg_pool2d((frame.mean(1, keepdim=True) + 1) * UNIT_LEVELS, CELL, ceil_mode=True)


def of_cells(cells: Tensor, grey_cells: Tensor, size: tuple[int, int]) -> Tensor:
    """`statistics` of `cells` of the whole picture."""
    around = F.avg_pool2d(F.pad(cells, (WIDE // 2,) * 4), WIDE, 1)
    wide = around[:, :3] / around[:, 3:].clamp(min=1e-3)
    close = torch.where(cells[:, 3:] > FEWEST, cells[:, :3] / cells[:, 3:].clamp(min=1e-3), wide)
    smoothest = _smoothest(close[:, :2], (cells[:, 3:] > FEWEST) & (grey_cells > DARK) & (grey_cells < BRIGHT))
    measured = log_level(torch.cat([close, wide, smoothest], 1)) / LOG_SCALE
    return F.interpolate(measured, size=size, mode="bilinear", align_corners=False)


def spectrum(evidence: Tensor) -> Tensor:
    """The power in each ring of the spectrum of the base, whose noise is less than the frame's: `B 16 1 1`, the
    logarithm over `LOG_SCALE` of how much more it is than in a natural picture, whose power falls with the square of
    the frequency (Field 1987); 0 where too little is visible. It tells how sharp a scene is, which blur and noise hide
    from a network that sees but a part of it.

    Args:
        evidence: `B 23 H W`.
    """
    return relative_spectrum(evidence[:, BASE], evidence[:, MASK] > HIDDEN).to(evidence.dtype)


def relative_spectrum(base: Tensor, hidden: Tensor) -> Tensor:
    """`spectrum` of a base, `B 3 H W`, or its mean channel, `B 1 H W`; hidden: bool `B 1 H W`."""
    rings = log_spectrum(base, hidden)
    frequencies = torch.arange(RINGS, device=base.device) + 0.5
    relative = (rings - NATURAL + 2 * frequencies.log()) / LOG_SCALE
    return relative.nan_to_num(0.0)[..., None, None]


def noise_level(evidence: Tensor) -> Tensor:
    """How much noise a frame has, in levels, `B 1 1 1`: the mean |frame - base| of its smoothest cells that other
    frames saw, too. 0 where there are none, and where that may be texture, or what a codec left: what is weak counts as
    far as it differs from pixel to pixel, as a sensor's noise does and those do not.

    Args:
        evidence: `B 23 H W`.
    """
    return noise_of_cells(noise_cells(evidence))


def noisy(noise: Tensor) -> Tensor:
    """How much of a correction may be made, in [0, 1], by the `noise_level`: 0 without noise.

    >>> noisy(torch.tensor([0.0, 0.4, 3.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return (noise / FAINT).clamp(0, 1)


def noisy_frame(noise: float) -> float:
    """`noisy` of one frame; 0 if its noise is NaN, as where nothing is visible."""
    return 0.0 if math.isnan(noise) else noisy(torch.tensor(noise)).item()


def noise_cells(evidence: Tensor) -> Tensor:
    """What the `noise_level` is made of, by cells as in `cells`: `B 6 h w`."""
    frame = evidence[:, FRAME]
    difference = (frame - evidence[:, BASE]) * UNIT_LEVELS
    others = (evidence[:, COUNTS] > 0).any(1, keepdim=True) & (evidence[:, MASK] <= HIDDEN)
    grey = (frame.mean(1, keepdim=True) + 1) * UNIT_LEVELS
    products = [
        F.pad((difference[..., :-1] * difference[..., 1:]).mean(1, keepdim=True), (0, 1, 0, 0)),
        F.pad((difference[..., :-1, :] * difference[..., 1:, :]).mean(1, keepdim=True), (0, 0, 0, 1)),
    ]
    products[0][..., CELL - 1 :: CELL] = 0  # the neighbour lies in another cell
    products[1][..., CELL - 1 :: CELL, :] = 0
    size, squared = difference.abs().mean(1, keepdim=True), difference.square().mean(1, keepdim=True)
    return F.avg_pool2d(torch.cat([size, others.to(frame.dtype), grey, squared, *products], 1), CELL, ceil_mode=True)


def noise_of_cells(cells: Tensor) -> Tensor:
    """`noise_level` of the `noise_cells` of the whole picture."""
    size, others, grey, squared, across, down = cells.split(1, 1)
    usable = (others > 1 - 1e-3) & (grey > DARK) & (grey < BRIGHT)
    floor = _smoothest(size, usable)[..., :1, :1]
    smooth = usable & (size <= _smoothest(size, usable, SMOOTH)[..., :1, :1])
    variance, *alike = ((x * smooth).sum((2, 3), keepdim=True) for x in (squared, across, down))
    correlation = torch.maximum(*alike) * CELL / (CELL - 1) / variance.clamp(min=1e-6)
    strong = _ramp(correlation, SMEARED, COARSE) * _ramp(floor, *STRONG)
    weak = _ramp(correlation, COLOURED, WHITE) * _ramp(floor, *WEAK)
    return floor * torch.maximum(strong, weak)


def _ramp(x: Tensor, zero: float, one: float) -> Tensor:
    return ((x - zero) / (one - zero)).clamp(0, 1)


def _smoothest(cells: Tensor, usable: Tensor, quantile: float = SMOOTHEST) -> Tensor:
    """A quantile of the usable cells of each frame, at all cells: `B C h w`, bool `B 1 h w` => `B C h w`; 0 where no
    cell is usable.
    """
    values = cells.masked_fill(~usable, torch.nan).flatten(2)
    quantiles = torch.nanquantile(values.float(), quantile, dim=2).nan_to_num(0.0)
    return quantiles[..., None, None].expand_as(cells).to(cells.dtype)


def _laplacian(x: Tensor) -> Tensor:
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    neighbours = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:] + padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    return 4 * x - neighbours
