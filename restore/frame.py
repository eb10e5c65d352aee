"""One record for a frame, from the reader to the writer: each thing that is known of it is computed once and kept.

The reader fills in the picture and its time, detection the mask and the scene, propagation the motion. A record lives
as long as a window holds it: 20 bytes a pixel with its mask and luma, and 6 more with its motion.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from restore.propagation.flow import Motion
    from restore.video.carried import Carried

HIDDEN = 0.2  # probability above which a pixel is treated as hidden: a doubtful one is copied rather than believed


@dataclass(eq=False)
class Frame:
    """One picture, shown at `pts * time_base` seconds.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        pts, time_base: its time; of the reader.
        mask: float32 `H W` in [0, 1], the probability that the pixel is hidden; None until it is detected or given. It
            is set before anything derived from it is asked for.
        kinds: uint8 `H W`, of what the pixel is hidden by, if it is: an index into `KINDS`; None if that is unknown.
        scene: the number of its scene, counted from 0 (`scenes.py`); None until it is decided.
        motion: how it corresponds with the frame before it; None for the first frame of the video.
        carried: what the writer gets apart from the pixels; None where the frame comes from no file.
    """

    image: np.ndarray
    pts: int = 0
    time_base: Fraction = Fraction(1)
    mask: np.ndarray | None = None
    kinds: np.ndarray | None = None
    scene: int | None = None
    motion: "Motion | None" = None
    carried: "Carried | None" = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def luma(self) -> np.ndarray:
        """uint8 `H/2 W/2`, what motion is estimated on: half resolution averages noise out and costs a quarter."""
        height, width = self.size
        luma = cv2.GaussianBlur(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
        return cv2.resize(luma, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)

    @cached_property
    def hidden(self) -> np.ndarray:
        """bool `H W`: the mask with its threshold."""
        assert self.mask is not None, "the mask is set before it is used"
        return self.mask > HIDDEN

    @cached_property
    def has_hidden(self) -> bool:
        """Whether any pixel is hidden; where none is, much work is spared."""
        return bool(self.hidden.any())

    @cached_property
    def excluded(self) -> np.ndarray:
        """bool `H W`: `hidden`, dilated by one pixel. Memories exclude it: obstructions often shine one pixel beyond
        their mask, and a memory copies what it takes up into many frames.
        """
        if not self.has_hidden:
            return self.hidden
        return cv2.dilate(self.hidden.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
