"""One record for a frame, from the reader to the writer: each thing that is known of it is computed once and cached.

The reader fills in the picture and its time, detection the mask and the scene, propagation the motion. A record lives
as long as a window holds it: 3 bytes a pixel, 16 with its masks, 22 with luma and motion.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from restore.arrays import dilate, pool

if TYPE_CHECKING:
    from restore.light.curve import Light
    from restore.propagation.flow import Motion
    from restore.propagation.state import State
    from restore.video.carried import Carried

HIDDEN = 0.2  # probability above which a pixel is treated as hidden: a doubtful one is copied rather than believed
CELLS = 15, 20  # rows and columns that a picture is averaged to, to compare exposures


@dataclass(eq=False)
class Frame:
    """One picture, displayed at `pts * time_base` seconds.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        pts, time_base: its time; of the reader.
        mask: float32 `H W` in [0, 1], the probability that the pixel is hidden; None until it is detected or given.
        probability: float32 `H W` in [0, 1], what was detected, whatever comes of it; None if nothing was looked for.
        kinds: uint8 `H W`, of what the pixel is hidden by, if it is: an index into `KINDS`; None if that is unknown.
        proven: bool `H W`, what of `probability` is in `mask`; None if nothing was looked for.
        suspected: bool `H W`, the mask of what was detected without proof (`detection/proof.py`); likewise.
        scene: the number of its scene, counted from 0 (`scenes.py`); None until it is decided.
        motion: how it corresponds with the frame before it; None for the first frame of a scene.
        light: how its light was changed (`light/lit.py`); None if it was not looked at.
        dark: uint8 `H W 3`, the picture before that; None if it is as it was.
        comparable: whether enough of it is in view to tell a cut, each time that its scene was decided.
        ends: whether a segment may end with it (`propagation/engine.py`).
        state: what propagation knows behind it; only where a segment ends within a scene.
        carried: what the writer gets apart from the pixels; None where the frame comes from no file.
    """

    image: np.ndarray
    pts: int = 0
    time_base: Fraction = Fraction(1)
    mask: np.ndarray | None = None
    probability: np.ndarray | None = None
    kinds: np.ndarray | None = None
    proven: np.ndarray | None = None
    suspected: np.ndarray | None = None
    scene: int | None = None
    motion: "Motion | None" = None
    light: "Light | None" = None
    dark: np.ndarray | None = None
    comparable: bool = True
    ends: bool = False
    state: "State | None" = None
    carried: "Carried | None" = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def given(self) -> np.ndarray:
        """uint8 `H W 3`, the picture as it was read, whatever light it was given since."""
        return self.image if self.dark is None else self.dark

    @cached_property
    def luma(self) -> np.ndarray:
        """uint8 `H/2 W/2`, what motion is estimated on: half resolution averages noise out and costs a quarter."""
        height, width = self.size
        luma = cv2.GaussianBlur(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
        return pool(luma, (height + 1) // 2, (width + 1) // 2)

    @cached_property
    def hidden(self) -> np.ndarray:
        """bool `H W`: the mask above its threshold. From here on the mask is final."""
        assert self.mask is not None, "the mask is set before it is used"
        return self.mask > HIDDEN

    @cached_property
    def has_hidden(self) -> bool:
        """Whether any pixel is hidden; where none is, much work is spared."""
        return bool(self.hidden.any())

    @cached_property
    def excluded(self) -> np.ndarray:
        """bool `H W`: `hidden`, dilated by one pixel. Memories exclude it: obstructions often shine one pixel beyond
        their mask, at any resolution, and a memory copies what it takes up into many frames.
        """
        return dilate(self.hidden, 1) if self.has_hidden else self.hidden

    @cached_property
    def cells(self) -> np.ndarray:
        """float32 `15 20 3`, or fewer rows and columns of a tiny picture: the picture averaged over a coarse grid."""
        rows, columns = min(CELLS[0], self.size[0]), min(CELLS[1], self.size[1])
        return pool(self.image.astype(np.float32), rows, columns)

    @cached_property
    def visible_cells(self) -> np.ndarray:
        """bool, as `cells`: those of which no pixel is excluded."""
        if not self.has_hidden:
            return np.ones(self.cells.shape[:2], bool)
        return pool(self.excluded.astype(np.float32), *self.cells.shape[:2]) == 0
