"""What one sweep over the video remembers of the scene, pixel by pixel: colour, count and age.

Each step warps the memory along the flow to the next frame and drops what the flow contradicts or the picture has
replaced. A visible pixel is averaged in (a scalar Kalman filter with a bounded gain, so noise falls with each frame); a
hidden one stays as it was last seen, and ages.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from restore.arrays import (
    CUBIC,
    LANCZOS,
    blend,
    blur,
    choose,
    difference,
    erode,
    gaussian,
    grid,
    mean_channel,
    per_channel,
    pool,
    sample,
    sample_points,
    stacked,
)
from restore.frame import Frame
from restore.propagation.exposure import exposure, relit
from restore.propagation.flow import Flow

AVERAGED = 10.0  # frames at most; more would blur what flow misplaces
CHANGE = 12.0  # levels of 255: a visible pixel that differs by this much from its memory is another thing
CHANGE_SIDE = 5  # px; noise is averaged out over such a square first; noise has one size at every resolution
LEAST_COUNT = 0.05  # a count below this is no memory at all
LANCZOS_REACH = 4  # px to each side that a Lanczos interpolation reads; a cubic one reads 2
KNOWN_SHARE = 0.5  # of a pixel that must have been seen for it to be known
WHOLE = 0.98  # a greater share is all, and 1 less that none; else the rim of what is known would widen with each frame


@dataclass(frozen=True)
class Memory:
    """The scene as other frames saw it, aligned with one frame; 21 to 33 bytes a pixel.

    Attributes:
        colour: float32 `H W 3`, RGB in [0, 255], above it where the exposure clips; meaningless where `count` is 0.
        count: float32 `H W`, how many frames the colour is averaged from; 0 where nothing is remembered.
        age: float32 `H W`, frames since the pixel was last seen; 1 if the very next frame saw it.
        velocity: float32 `H W 2`, (x, y) in px a frame of the sweep, of objects that a static camera tracks behind
            occlusions, else 0; None if none was tracked to this frame.
        share: float32 `H W` in [0, 1], how much of each pixel was seen, so that the rim of what is known moves by
            fractions of a pixel as its colours do; None if each pixel was seen whole or not at all.
    """

    colour: np.ndarray
    count: np.ndarray
    age: np.ndarray
    velocity: np.ndarray | None = None
    share: np.ndarray | None = None

    @classmethod
    def empty(cls, height: int, width: int) -> "Memory":
        blank = np.zeros((height, width), np.float32)
        return cls(np.zeros((height, width, 3), np.float32), blank, blank)

    @cached_property
    def known(self) -> np.ndarray:
        """bool `H W`: where anything is remembered."""
        return self.count > LEAST_COUNT

    @cached_property
    def complete(self) -> bool:
        """Whether every pixel is known, which spares the work at the rim of what is."""
        return bool(self.known.all())

    def warped(self, flow: Flow) -> "Memory":
        """The memory aligned with the next frame of the sweep, whose pixels lie in this one along `flow`."""
        height, width = self.count.shape
        vectors, consistency = flow.at(height, width)
        share: np.ndarray | None = None
        if flow.zero:  # a scene at rest needs no resampling
            colour, count, age, share = self.colour, self.count, self.age, self.share
        elif self.complete:
            there = grid(height, width) + vectors
            colour, count = sample(self.colour, there, CUBIC), sample(self.count, there)
            age = self.age
            if age.any():
                age = sample(age, there)
                self._resample_aged(colour, there, age > 0)
        else:
            colour, count, age, share = self._known_sampled(grid(height, width) + vectors)
        count = count * consistency
        dropped = count < LEAST_COUNT
        np.copyto(count, 0, where=dropped)  # a third of the time of an indexed assignment
        if share is not None:
            share = share * ~(dropped & ((share >= KNOWN_SHARE) | (consistency < LEAST_COUNT)))
        return Memory(colour, count, age + 1, share=share)

    def relit(self, frame: Frame) -> "Memory":
        """The memory at the exposure of `frame`, judged by what both know."""
        rows, columns = frame.cells.shape[:2]
        both = frame.visible_cells
        if not self.complete:
            both = both & (pool(self.known.astype(np.float32), rows, columns) == 1)
        light = exposure(pool(self.colour, rows, columns)[both], frame.cells[both])
        return replace(self, colour=relit(self.colour, light))

    def updated(self, frame: Frame) -> "Memory":
        """The memory after `frame` is seen, less the pixels that it excludes."""
        change = blur(mean_channel(difference(frame.image, self.colour)), CHANGE_SIDE)
        count = self.count * gaussian(change, CHANGE)
        gain = 1 / (count + 1)  # of a scalar Kalman filter whose state has the variance 1 / count
        count = np.minimum(count + 1, np.float32(AVERAGED))
        age = np.zeros_like(count)
        share = self.share
        if frame.has_hidden:
            np.copyto(gain, 0, where=frame.excluded)
            count, age = choose(frame.excluded, self.count, count), choose(frame.excluded, self.age, age)
        if share is not None:
            share = np.maximum(share, ~frame.excluded)
        colour = blend(frame.image.astype(np.float32), self.colour, gain, 1 - gain)
        return Memory(colour, count, age, self.velocity, share)

    def _resample_aged(self, colour: np.ndarray, there: np.ndarray, aged: np.ndarray) -> None:
        """Sample `colour` anew where `aged`: pixels that no frame refreshes are resampled again and again, and would
        blur. 0.13 ms for a thousand of them.
        """
        pixels = np.flatnonzero(aged)  # a fifth of the time of `np.nonzero`
        if len(pixels):
            colour.reshape(-1, 3)[pixels] = sample_points(self.colour, there.reshape(-1, 2)[pixels], LANCZOS)

    def _known_sampled(self, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Colour, count, age and share at `there`, float32 `H W 2`, interpolated between what was seen only."""
        known = self.known.astype(np.float32)
        own = known if self.share is None else self.share
        share, count, age, weight = cv2.split(sample(stacked(own, self.count, self.age * known, known), there))
        np.copyto(share, 1, where=share > WHOLE)
        np.copyto(share, 0, where=share < 1 - WHOLE)
        scale = (share >= KNOWN_SHARE) / np.maximum(weight, np.float32(1e-6))
        colour = sample(self.colour, there, CUBIC)
        # Both kernels read pixels around: where one of them was not seen whole, a linear interpolation by shares.
        whole = sample(erode(own >= 1, LANCZOS_REACH).astype(np.float32), there) == 1
        rim = np.flatnonzero((share > 0) & ~whole)
        if len(rim):
            weighted = stacked(self.colour * per_channel(own, 3), own)
            sums = sample_points(weighted, there.reshape(-1, 2)[rim])
            colour.reshape(-1, 3)[rim] = sums[:, :3] / np.maximum(sums[:, 3:], np.float32(1e-6))
        self._resample_aged(colour, there, (age > 0) & whole)
        return colour, count * scale, age * scale, share
