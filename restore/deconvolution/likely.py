"""How likely a frame has each blur, by its spectrum and what is known of those of sharp pictures.

Sharp pictures' log power is normally distributed: about their mean they differ in its height, its slope and its bend,
and from ring to ring. A blur takes from it what `blurs.attenuations` says. `MEAN` and `SHAPES` are fitted to training
clips and photographs by `benchmarks/softness.py`; the others are chosen on some of these, by what is gained.
"""

import numpy as np

from restore.deconvolution.blurs import RADII, RING_FREQUENCIES, SIGMAS, attenuations
from restore.models.softness import RINGS

MEAN = np.array(
    [11.51, 9.60, 7.79, 6.75, 5.92, 5.24, 4.62, 4.10, 3.60, 3.12, 2.67, 2.30, 1.89, 1.57, 1.32, 0.60]
)  # of the log power in each ring
# The covariance of height, slope and bend, and the variance that rings near one another share.
SHAPES = np.array([[2.540, 0.888, -0.777], [0.888, 0.725, -0.811], [-0.777, -0.811, 1.794]])
TEXTURE, ALIKE, OWN = 0.1, 2.0, 0.03  # variance, rings; and the variance of each alone
LEAST_RINGS = 3  # are compared, whatever the power
ROUNDING = -1.8  # log power, under which a ring shows rounding, and how much is left can no more be told
ROUNDED = -2.0  # what is expected there at most
TEMPER = 2.0  # rings tell less than as many that had nothing in common
# Before anything is seen, per size that is considered.
PRIOR = np.log(np.concatenate([np.full(len(SIGMAS), 0.05), np.full(len(RADII), 0.03)]))


def shapes() -> np.ndarray:
    """Height, slope and bend of a log power in rings, `16 3`."""
    slope, bend = np.log(RING_FREQUENCIES), 4 * RING_FREQUENCIES
    return np.stack([np.ones(RINGS), slope - slope.mean(), bend - bend.mean()], 1)


def covariance() -> np.ndarray:
    """Of the log power of sharp pictures in rings, `16 16`."""
    apart = np.abs(np.arange(RINGS)[:, None] - np.arange(RINGS))
    return shapes() @ SHAPES @ shapes().T + TEXTURE * np.exp(-apart / ALIKE) + OWN * np.eye(RINGS)


def likely(rings: np.ndarray) -> np.ndarray:
    """The probability of each blur, `N`, in the order of `blurs.transfer_functions`.

    Args:
        rings: `16`, finite, of `models.softness.log_spectrum`.
    """
    quiet = np.flatnonzero(rings < ROUNDING)
    told = max(LEAST_RINGS, int(quiet[0]) if len(quiet) else RINGS)
    spread, taken = covariance(), attenuations()
    inverse = np.linalg.inv(spread[:told, :told])
    differs = rings[:told] - taken[:, :told] - MEAN[:told]  # N told
    cost = ((differs @ inverse) * differs).sum(1)
    # What is below rounding must be expected to be.
    expected = MEAN[told:] + differs @ inverse @ spread[:told, told:] + taken[:, told:]
    cost += np.square(np.maximum(expected - np.maximum(rings[told:], ROUNDED), 0)).sum(1)
    weights = np.exp(PRIOR - (cost - cost.min()) / (2 * TEMPER))
    return weights / weights.sum()
