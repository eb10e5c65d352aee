"""What proofs compare of a frame: its picture and what was detected in it, at about the segmenter's resolution."""

from functools import cached_property

import cv2
import numpy as np

from restore.frame import HIDDEN, Frame
from restore.kinds import BOXES

ROWS = 240  # px of the shorter side that is measured, at least, where the frame has as many
SMOOTH = 1.2  # px, sigma before gradients are taken
BRIGHTEST = 0.995  # quantile of its levels; a lamp or a spark is brighter
SAMPLED = 3  # px; of every third row and column the noise is estimated


class Look:
    """What is compared of a frame; 1.5 MB at 320x240, and about as much at any size.

    Attributes:
        scene: its number.
        step: how many times smaller the other planes, `h w`, are.
        picture: uint8 `h w 3`.
        grey: float32, its luma.
        detected, candidates: bool, all that was detected, and what of it may go.
        kinds: uint8, indices into `KINDS`; without a segmenter all is a box.
        own: bool, what is proven by this frame itself; `prove` sets it.

    Args:
        frame: it is held until it is released.
        allowed: bool `H W`, what was detected in it of the kinds that may go; likewise.
    """

    def __init__(self, frame: Frame, allowed: np.ndarray) -> None:
        assert frame.probability is not None and frame.scene is not None
        self._held: tuple[Frame, np.ndarray] | None = (frame, allowed)
        self.scene = frame.scene
        self.step = max(1, min(frame.size) // ROWS)
        samples = slice(None, None, self.step), slice(None, None, self.step)
        # Copies, as a part of a large plane would hold the whole of it.
        self.detected = frame.probability[samples] > HIDDEN
        self.candidates = allowed[samples].copy()
        rows, columns = self.detected.shape
        self.kinds = np.full((rows, columns), BOXES, np.uint8) if frame.kinds is None else frame.kinds[samples].copy()
        self.picture = cv2.resize(frame.image, (columns, rows), interpolation=cv2.INTER_AREA)
        self.grey = cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self.own = np.zeros((rows, columns), bool)

    def release(self) -> tuple[Frame, np.ndarray]:
        """The frame and what may go of it; the look no longer holds them."""
        held, self._held = self._held, None
        assert held is not None, "a look is released once"
        return held

    @cached_property
    def smooth(self) -> np.ndarray:
        return cv2.GaussianBlur(self.grey, (0, 0), SMOOTH)

    @cached_property
    def energy(self) -> np.ndarray:
        return edge_energy(self.smooth)

    @cached_property
    def white(self) -> float:
        """The level that the brightest of the scene has, besides what was detected; 255 where all was."""
        scene = self.grey[~self.detected]
        return float(np.quantile(scene, BRIGHTEST)) if scene.size else 255.0

    @cached_property
    def noise(self) -> float:
        """Deviation of the noise in levels (Immerkaer 1996, with a median): the Laplacian of most pixels is noise."""
        laplacian = cv2.Laplacian(self.grey, cv2.CV_32F)[::SAMPLED, ::SAMPLED]
        return float(np.median(np.abs(laplacian))) / (0.6745 * 20**0.5)


def edge_energy(plane: np.ndarray) -> np.ndarray:
    """The squared gradient (levels/px)^2 of a plane float32 `h w`."""
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    return across * across + down * down
