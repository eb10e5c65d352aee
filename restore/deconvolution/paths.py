"""Whether a frame is blurred along a straight path, as by a camera that moves while its shutter is open: how long, and
which way.

Such a blur takes from a spectrum by the direction, in stripes across the motion. So all of the spectrum is compared
with what is known of those of sharp scenes, whose height, slope and bend are fitted along with each blur; rings would
hide it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from restore.deconvolution.blurs import RING_FREQUENCIES, disc, gaussian
from restore.deconvolution.likely import MEAN, ROUNDING, SHAPES, shapes
from restore.models.softness import QUIET, WINDOW

LENGTHS = np.arange(2, 16, 0.5)  # px
ANGLES = np.deg2rad(np.arange(0, 180, 7.5))  # from the x axis
SIGMAS, RADII = np.arange(0, 3.6, 0.2), np.arange(1.0, 6.0, 0.25)  # px, of the blurs that are alike in all directions
BAND = 1.5 / WINDOW, 0.5  # cycles a px, that are compared
LEAKS = 1e-3  # share of the power, that the window leaks into a zero
ROUNDED = np.log(1 / 36 + QUIET)  # log power of rounding to 8 bits, of the mean of three channels
VARIANCE = 0.6  # of the log power of a scene's frequencies
ALIKE = 20.0  # frequencies near one another tell as much as one
FARTHEST = 2.0  # of a difference; more tells no more, as what is in one direction of a scene
SURER = 10.0  # how much a path must cost less than any blur that is alike in all directions


@dataclass(frozen=True)
class Paths:
    """Paths that a frame may be blurred along.

    Attributes:
        lengths: `N`, px.
        angles: `N`, radians from the x axis.
        probabilities: `N`, that sum to 1.
        scene: height, slope and bend of the log power of the scene, relative to the mean of all, `3`.
    """

    lengths: np.ndarray
    angles: np.ndarray
    probabilities: np.ndarray
    scene: np.ndarray


def path(length: float, angle: float, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The transfer function of a straight path, at frequencies in cycles a px along the two axes.

    >>> path(4.0, 0.0, np.array([0.0, 0.125, 0.25]), np.array([0.0, 0.3, 0.3])).round(3).tolist()
    [1.0, 0.637, 0.0]
    """
    along = across * np.cos(angle) + down * np.sin(angle)
    response: np.ndarray = np.sinc(length * along)
    return response


def scene_power(scene: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """The log power at frequencies, any shape, of a scene with this height, slope and bend, `3`."""
    return np.interp(frequency, RING_FREQUENCIES, MEAN + shapes() @ scene)


def likely_paths(log_power: np.ndarray) -> Paths | None:
    """The paths that a frame with this spectrum may be blurred along; None if another blur, or none, is as likely.

    Args:
        log_power: `64 33`, finite, of `models.softness.at_frequencies`.
    """
    lengths, angles, taken, mean, kinds = _candidates()
    seen = log_power[_compared()]
    told = (seen > ROUNDING).astype(float)
    weight = 1 / (VARIANCE * ALIKE)
    inverse = (kinds * told[:, None]).T @ kinds * weight + np.linalg.inv(SHAPES)
    scenes = np.linalg.solve(inverse, (((seen - mean - taken) * told) @ kinds * weight).T).T  # N 3
    expected = np.logaddexp(mean + scenes @ kinds.T + taken, ROUNDED)
    differs = np.minimum(np.abs(np.maximum(seen, ROUNDING) - np.maximum(expected, ROUNDING)), FARTHEST)
    cost = np.square(differs).sum(1) * weight + np.einsum("ni,ij,nj->n", scenes, np.linalg.inv(SHAPES), scenes)
    along = lengths > 0
    if cost[along].min() > cost[~along].min() - SURER:
        return None
    odds = np.exp((cost[along].min() - cost[along]) / 2)
    some = odds > 1e-3 * odds.max()
    probabilities = odds[some] / odds[some].sum()
    return Paths(lengths[along][some], angles[along][some], probabilities, probabilities @ scenes[along][some])


def frequencies(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Across and down, in cycles a px, of an `rfft2` of `size` x `size` pixels."""
    across, down = np.meshgrid(np.fft.rfftfreq(size), np.fft.fftfreq(size))
    return across, down


def _compared() -> np.ndarray:
    radius = np.hypot(*frequencies(WINDOW))
    within: np.ndarray = (radius > BAND[0]) & (radius < BAND[1])
    return within


@cache
def _candidates() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of all blurs: length (0: alike in all directions), angle, what it takes of the log power at each frequency that
    is compared, `N F`; of scenes there: the mean, `F`, and the shapes, `F 3`.
    """
    across, down = (x[_compared()] for x in frequencies(WINDOW))
    radius = np.hypot(across, down)
    pairs = [(length, angle) for length in LENGTHS for angle in ANGLES]
    alike = [gaussian(x, radius) for x in SIGMAS] + [disc(x, radius) for x in RADII]
    left = np.stack(alike + [path(*pair, across, down) for pair in pairs])
    lengths, angles = np.concatenate([np.zeros((len(alike), 2)), pairs]).T
    mean, *kinds = (np.interp(radius, RING_FREQUENCIES, row) for row in (MEAN, *shapes().T))
    return lengths, angles, np.log(np.maximum(np.square(left), LEAKS)), mean, np.stack(kinds, 1)
