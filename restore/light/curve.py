"""The tone curve that gives a picture more light: linear up to a knee, and above it the curve of Reinhard et al.
(2002), eq. 4, which maps the brightest that there can be to white.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from torch import Tensor

# Linear light is levels to the power of this, as in `degradations/low_light.py`: what sRGB and BT.709 amount to but for
# their toe, which is linear. With that, a gain of 50 would take level 1 to 33 and level 2 to 50: black would be noise.
GAMMA = 2.2
KNEE = 0.7  # linear light, level 217, that the curve is linear up to


@dataclass(frozen=True)
class Light:
    """How a picture's light is changed.

    Attributes:
        gain: in linear light; 1 changes nothing.
        balance: by which the gain of R, G and B is multiplied, against a colour cast.
    """

    gain: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def changes(self) -> bool:
        """Whether anything is changed."""
        return self != Light()

    def applied(self, picture: np.ndarray) -> np.ndarray:
        """A picture uint8 or uint16 `H W 3`, RGB from 0 to the type's greatest, in this light: the same shape and type.

        >>> Light(gain=4).applied(np.uint8([[[0, 50, 255]]])).tolist()
        [[[0, 94, 255]]]
        """
        table = _table(self, picture.dtype.str)
        if picture.dtype == np.uint8:
            return cv2.LUT(picture, table[:, None])
        return np.stack([table[:, channel][picture[..., channel]] for channel in range(3)], -1)


@lru_cache(maxsize=4)  # of 16 bits it takes longer than to apply it; most frames are in the light of that before
def _table(light: Light, dtype: str) -> np.ndarray:
    """The level that each level of R, G and B becomes: `256 3` or `65536 3`, rising, black to black. Where the gain is
    1 or more, white is white, so that no highlight is clipped that was not.
    """
    white = np.iinfo(dtype).max
    gains = light.gain * np.array(light.balance)
    linear = (np.arange(white + 1) / white)[:, None] ** GAMMA * gains
    return np.rint(white * shouldered(linear, gains) ** (1 / GAMMA)).astype(dtype)


A = TypeVar("A", np.ndarray, Tensor)


def shouldered(light: A, most: A) -> A:
    """Linear light in [0, most] => [0, 1], rising; the same up to `KNEE`, or everywhere where `most` is no more than 1.

    >>> shouldered(np.array([0.5, 1.0, 10.0]), np.array(10.0)).round(2).tolist()
    [0.5, 0.85, 1.0]
    """
    above = (light - KNEE).clip(min=0) / (1 - KNEE)
    white = most.clip(min=1) / (1 - KNEE) - KNEE / (1 - KNEE)
    return light.clip(max=KNEE) + (1 - KNEE) * above * (1 + above / white**2) / (1 + above)
