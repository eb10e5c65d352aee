"""Connected components of a mask, where gaps up to some width do not separate."""

from dataclasses import dataclass

import cv2
import numpy as np

Box = tuple[int, int, int, int]  # left, top, right, bottom in px; right and bottom lie outside


@dataclass(frozen=True)
class Component:
    """One connected component.

    Attributes:
        box: the smallest box around its pixels, in px of the whole mask.
        mask: bool, as large as the box, True at its pixels.
    """

    box: Box
    mask: np.ndarray

    @property
    def part(self) -> tuple[slice, slice]:
        """Rows and columns of the box."""
        left, top, right, bottom = self.box
        return slice(top, bottom), slice(left, right)


def components(mask: np.ndarray, gap: float, least: float) -> list[Component]:
    """The connected components of a mask that have at least `least` pixels.

    Components are those of the mask dilated by half the gap (8-connectivity); only pixels of the mask itself belong to
    them. The work is done within the box around the mask, since two pixels that a dilation connects are connected
    within the box around both.

    Args:
        mask: bool `H W`.
        gap: px, up to about which two parts are one component.
        least: pixels of the mask in a component.

    >>> mask = np.zeros((20, 60), bool)
    >>> mask[5:10, 5:10] = mask[5:10, 14:20] = mask[5:10, 50:55] = True  # gaps of 4 and 30 px
    >>> [(component.box, int(component.mask.sum())) for component in components(mask, gap=6, least=1)]
    [((5, 5, 20, 10), 55), ((50, 5, 55, 10), 25)]
    >>> len(components(mask, gap=6, least=26)), components(mask & False, gap=6, least=1)
    (1, [])
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    own = mask[top : top + height, left : left + width]
    if own.size < least or not own.size:
        return []
    side = 2 * max(1, round(gap / 2)) + 1
    dilated = cv2.dilate(own.view(np.uint8), np.ones((side, side), np.uint8))
    _, labels = cv2.connectedComponents(dilated, connectivity=8)  # its variant with statistics takes six times as long
    labels *= own
    areas = np.bincount(labels.ravel())
    areas[0] = 0  # the background
    found = []
    for label in np.flatnonzero(areas >= least):
        pixels = labels == label
        x, y, columns, rows = cv2.boundingRect(pixels.view(np.uint8))
        box = left + x, top + y, left + x + columns, top + y + rows
        found.append(Component(box, pixels[y : y + rows, x : x + columns]))
    return found
