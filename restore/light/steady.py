"""What is applied to a scene, from what was measured around each of its frames: it never flickers, and a well-lit scene
is left alone.
"""

import math
from collections.abc import Sequence

import numpy as np

from restore.light.curve import Light

# Of what was measured around a frame the gain has this quantile: flashes of dark count for nothing, fades for little.
LOWER = 0.25
PLAY = 0.1  # of logarithms: what is measured may vary by as much without any effect
SLEW = math.log(2) / 24  # a frame at most: the light doubles in about a second
# A gain up to the first is left out, from the second on it is made in full: hardly a well-lit clip needs the first.
WELL_LIT, DARK = 2.5, 3.5
NEUTRAL = 0.5  # logarithm of a tint up to which it is natural: nearly all clips have less
MOST_TINT = 0.4  # of what is beyond, what is taken away at most


class Steady:
    """The light of one scene, frame by frame.

    Args:
        gain: for all of it; None for what is measured.

    >>> dark = np.array([math.log(10), 0, 0, 0])
    >>> Steady().push([dark, dark]).gain
    10.0
    """

    def __init__(self, gain: float | None = None) -> None:
        self._gain = gain
        self._state: np.ndarray | None = None

    def push(self, around: Sequence[np.ndarray]) -> Light:
        """The light of the next frame.

        Args:
            around: `measured` of it and of the frames before and after it, of this scene; none where it is black.
        """
        if around:
            table = np.stack(around)
            wanted = np.array([np.quantile(table[:, 0], LOWER), *np.median(table[:, 1:], 0)])
            if self._state is None:
                self._state = wanted
            change = np.clip(self._state, wanted - PLAY, wanted + PLAY) - self._state
            self._state = self._state + np.clip(change, -SLEW, SLEW)
        needed, tint = (0.0, np.zeros(3)) if self._state is None else (self._state[0], self._state[1:])
        share = opened(needed if self._gain is None else math.log(self._gain))
        gain = math.exp(share * needed) if self._gain is None else self._gain
        return Light(round(gain, 6), balance(share * tint))


def opened(log_gain: float) -> float:
    """How much of a gain is made, in [0, 1], by its logarithm.

    >>> opened(math.log(2)), opened(math.log(4))
    (0.0, 1.0)
    """
    low, high = math.log(WELL_LIT), math.log(DARK)
    return min(1.0, max(0.0, (log_gain - low) / (high - low)))


def balance(tint: np.ndarray) -> tuple[float, float, float]:
    """The factors of R, G and B against a tint, `3`, logarithms: of what is more than natural, as much as is wise.

    >>> balance(np.array([0.4, 0.0, -0.4])), balance(np.array([0.6, 0.0, -0.6]))
    ((1.0, 1.0, 1.0), (0.904837, 1.0, 1.105171))
    """
    strength = float(np.abs(tint).max())
    taken = min(max(strength - NEUTRAL, 0.0), MOST_TINT)
    factors = np.exp(-tint * (taken / strength if taken else 0.0))
    red, green, blue = (round(float(factor), 6) for factor in factors)
    return red, green, blue
