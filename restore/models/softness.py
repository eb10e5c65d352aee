"""Whether a picture is blurred, from its spectrum alone.

A blur takes more from each higher frequency than from the one below it, along a curve that neither scenes nor codecs
nor scaling have. So the logarithm of the power in rings of the spectrum tells blurred pictures from others by a linear
discriminant (a logistic regression, fitted to training clips by `benchmarks/softness.py`).
"""

import math
from functools import cache

import torch
from torch import Tensor

from restore.tensors import UNIT_LEVELS

# px, a side of what a spectrum is taken of. Not a share of the height: blurs are in the network's own pixels
WINDOW = 64
RINGS = 16  # from the zeroth frequency to that of alternating pixels
STRIDE = 32  # px between windows, at least
MOST = 10  # windows down and across; more would cost more, and tell the same
FEWEST = 4  # windows that are wholly visible; of fewer the spectrum of most is left to chance
QUIET = 0.02  # squared levels, below which there is nothing but rounding, whose power is 0.08
# The discriminant: logit = OFFSET + sum over rings of WEIGHTS * log(power + QUIET).
OFFSET = -6.27
WEIGHTS = (-0.48, 0.25, 0.33, 1.19, -0.08, -0.01, 0.27, -0.46, -0.34, -0.04, -0.18, 0.16, -0.08, -0.31, -0.73, -1.04)


def blur_logit(frames: Tensor, hidden: Tensor) -> Tensor:
    """How likely each frame is blurred, as a logit `B 1 1 1`; -inf where too little of it is visible, or it is small.

    Args:
        frames: `B 3 H W` in [-1, 1].
        hidden: bool `B 1 H W`; windows with hidden pixels do not count.
    """
    return logit_of(log_spectrum(frames, hidden))


def logit_of(rings: Tensor) -> Tensor:
    """The logits, `B 1 1 1`, of spectra in rings, `B 16`."""
    logit = OFFSET + (rings * rings.new_tensor(WEIGHTS)).sum(1)
    return logit.nan_to_num(-torch.inf).view(-1, 1, 1, 1)


def log_spectrum(frames: Tensor, hidden: Tensor) -> Tensor:
    """The logarithm of the power in each ring, `B 16`, float32: the median of all windows; NaN where there are too few.
    2 ms at 320x240.
    """
    return in_rings(*powers(frames, hidden))


def in_rings(power: Tensor, visible: Tensor) -> Tensor:
    """`log_spectrum` of the `powers` of windows."""
    return _median((power.flatten(2) @ ring_members(power.device) + QUIET).log(), visible)


def at_frequencies(power: Tensor, visible: Tensor) -> Tensor:
    """The logarithm of the power at each frequency, `B 64 33`, of an `rfft2`: as `in_rings`."""
    medians = _median((power.flatten(2) + QUIET).log(), visible).view(-1, *power.shape[2:])
    return medians - math.log(math.log(2))  # of one frequency, whose power is exponential, unlike the mean of many


def _median(logs: Tensor, visible: Tensor) -> Tensor:
    """Of the visible windows, `B N F` and bool `B N` => `B F`."""
    if not logs.shape[1]:
        return logs.new_full((len(logs), logs.shape[2]), torch.nan)
    medians = logs.masked_fill(~visible[..., None], torch.nan).nanmedian(1).values
    return torch.where(visible.sum(1, keepdim=True) >= FEWEST, medians, torch.nan)


def powers(frames: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The power at each frequency of each window, `B N 64 33`, and which are wholly visible, bool `B N`."""
    height, width = frames.shape[-2:]
    if min(height, width) < WINDOW:
        return frames.new_zeros(len(frames), 0, WINDOW, WINDOW // 2 + 1), hidden.new_zeros(len(frames), 0)
    steps = [max(STRIDE, -(-(side - WINDOW) // (MOST - 1))) for side in (height, width)]

    def windows(plane: Tensor) -> Tensor:  # B h w 64 64
        return plane.unfold(1, WINDOW, steps[0]).unfold(2, WINDOW, steps[1])

    taper = _taper(frames.device)
    grey = windows(frames.float().mean(1) * UNIT_LEVELS).flatten(1, 2)  # B N 64 64
    grey = (grey - grey.mean((-2, -1), keepdim=True)) * taper
    power = torch.fft.rfft2(grey).abs().square() / taper.square().sum()  # B N 64 33
    return power, ~windows(hidden[:, 0]).flatten(1, 2).flatten(2).any(2)


@cache
def _taper(device: torch.device) -> Tensor:
    """A Hann window, `64 64`."""
    side = torch.hann_window(WINDOW, periodic=False, device=device)
    return side[:, None] * side


@cache
def ring_members(device: torch.device | str = "cpu") -> Tensor:
    """What of each frequency of an `rfft2` of `WINDOW` counts for the mean of each ring, `64*33 16`."""
    down, across = torch.fft.fftfreq(WINDOW, device=device), torch.fft.rfftfreq(WINDOW, device=device)
    ring = (torch.hypot(down[:, None], across) * 2 * RINGS).long().clamp(max=RINGS - 1).flatten()
    # All columns but the first and the last stand for two frequencies, left and right.
    twice = torch.full((WINDOW, len(across)), 2.0, device=device)
    twice[:, 0] = twice[:, -1] = 1
    members = torch.zeros(len(ring), RINGS, device=device)
    members[torch.arange(len(ring)), ring] = twice.flatten()
    return members / members.sum(0)
