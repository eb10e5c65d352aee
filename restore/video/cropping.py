"""Which rectangle of a coded picture is displayed, as a container states it; FFmpeg's libraries do not crop by it.

4:2:0 of H.264 and H.265 has even sizes. A picture of odd size is coded with its last column or line once more, and the
container crops it: `clap` in MP4 and MOV, PixelCropRight and PixelCropBottom in Matroska.
"""

from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True)
class Cropping:
    """How many columns and lines of each side are not displayed; false if none."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))

    def of(self, width: int, height: int) -> tuple[int, int]:
        """The width and height that are left.

        >>> Cropping(right=1, bottom=1).of(36, 28)
        (35, 27)
        """
        return width - self.left - self.right, height - self.top - self.bottom

    def fits(self, width: int, height: int) -> bool:
        """Whether something is left, and no side is cropped by less than nothing."""
        return min(astuple(self)) >= 0 and min(self.of(width, height)) > 0

    def cropped(self, image: np.ndarray) -> np.ndarray:
        """The rectangle of an image `H W ...` that is displayed; a view."""
        height, width = image.shape[:2]
        return image[self.top : height - self.bottom, self.left : width - self.right]

    def padded(self, image: np.ndarray) -> np.ndarray:
        """An image `H W ...` with its first and last columns and lines repeated where they are cropped."""
        sides = ((self.top, self.bottom), (self.left, self.right), *[(0, 0)] * (image.ndim - 2))
        return np.pad(image, sides, mode="edge") if self else image


WHOLE = Cropping()  # picture: nothing is cropped


def to_even(width: int, height: int) -> Cropping:
    """What a picture with even sizes has more than one of `width` x `height`.

    >>> to_even(35, 28)
    Cropping(left=0, right=1, top=0, bottom=0)
    """
    return Cropping(right=width % 2, bottom=height % 2)
