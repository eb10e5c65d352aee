"""Provenance drawn over the picture: what was in view stays as it is, what was not is tinted by where it comes from.

The colours lie at least 40 apart in CIE L*a*b* for people of normal vision, protanopes, deuteranopes and tritanopes.
"""

import cv2
import numpy as np

from restore.propagation.copies import UNSEEN_COLOUR
from restore.propagation.provenance import COPIED, FILLED, REGENERATED, UNSEEN

COLOURS = {  # green, amber, magenta, violet
    COPIED: (0, 170, 120),
    FILLED: (255, 190, 0),
    REGENERATED: (230, 50, 200),
    UNSEEN: UNSEEN_COLOUR,
}
SHARE = 0.4  # of the colour inside, so that the picture stays readable; the outline is the colour itself


def overlay(image: np.ndarray, provenance: np.ndarray) -> np.ndarray:
    """The picture with its provenance over it; seen pixels are returned as they are.

    Args:
        image: uint8 `H W 3`, RGB in [0, 255].
        provenance: uint8 `H W`, the codes of `provenance.py`.

    Returns:
        uint8 `H W 3`.

    >>> codes = np.array([[0, 1, 1, 1, 0]], np.uint8).repeat(5, 0)
    >>> overlay(np.full((5, 5, 3), 100, np.uint8), codes)[2].tolist()
    [[100, 100, 100], [0, 170, 120], [60, 128, 108], [0, 170, 120], [100, 100, 100]]
    """
    drawn = image.copy()
    for code, colour in COLOURS.items():
        region = provenance == code
        inside = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        drawn[region] = colour
        drawn[inside] = np.rint((1 - SHARE) * image[inside] + SHARE * np.array(colour)).astype(np.uint8)
    return drawn
