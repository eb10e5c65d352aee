"""The blurs that a frame may have: a Gaussian, as of scaling, or a lens near its focus; a disc, as of a lens out of it.

Each takes from every frequency what its transfer function says. Other blurs resemble one of these, up to a size.
"""

from functools import cache

import numpy as np
from scipy.special import j1

from restore.models.softness import RINGS, WINDOW, ring_members

FREQUENCIES = np.linspace(0, np.sqrt(0.5), 400)  # cycles a px, from the mean of a picture to its diagonal's finest
RING_FREQUENCIES = (np.arange(RINGS) + 0.5) / (2 * RINGS)  # cycles a px, in the middle of each
SIGMAS = np.arange(0, 3.61, 0.05)  # px, of Gaussians; the first is no blur
RADII = np.arange(0.8, 6.6, 0.1)  # px, of discs
SLOPE = 2.6  # how the power of sharp pictures falls with the frequency, at the finer half of it


def gaussian(sigma: float, frequency: np.ndarray) -> np.ndarray:
    """The transfer function of a Gaussian of `sigma` px.

    >>> gaussian(1.0, np.array([0.0, 0.25])).round(3).tolist()
    [1.0, 0.291]
    """
    return np.exp(-2 * np.square(np.pi * sigma * frequency))


def disc(radius: float, frequency: np.ndarray) -> np.ndarray:
    """The transfer function of a disc of `radius` px; from its first zero on what it leaves is upside down.

    >>> disc(4.0, np.array([0.0, 0.1, 0.2])).round(3).tolist()
    [1.0, 0.393, -0.131]
    """
    x = np.maximum(2 * np.pi * radius * frequency, 1e-6)
    return 2 * j1(x) / x


@cache
def transfer_functions() -> np.ndarray:
    """Of all blurs, `N 400` at `FREQUENCIES`."""
    return np.stack([gaussian(x, FREQUENCIES) for x in SIGMAS] + [disc(x, FREQUENCIES) for x in RADII])


@cache
def attenuations() -> np.ndarray:
    """What each blur does to a spectrum in rings, `N 16`: the logarithm of the share of a sharp picture's power that it
    leaves in each.
    """
    down, across = np.fft.fftfreq(WINDOW)[:, None], np.fft.rfftfreq(WINDOW)[None]
    radius = np.hypot(down, across).ravel()
    power = np.maximum(radius, 0.5 / WINDOW) ** -SLOPE
    members = ring_members().numpy()
    left = [np.square(function(x, radius)) for function, sizes in ((gaussian, SIGMAS), (disc, RADII)) for x in sizes]
    shares = (np.stack(left) * power) @ members / (power @ members)
    return np.log(np.maximum(shares, 1e-12))
