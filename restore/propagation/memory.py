"""What one sweep over the video remembers of the scene, pixel by pixel: colour, count and age.

Each step carries the memory along the flow to the next frame and lets go of it where the flow cannot be believed or the
picture has changed. What is seen is averaged in (a Kalman filter with a bounded gain, so noise falls with each frame);
what is hidden stays as it was last seen, and ages.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from restore.propagation.channels import in_each_channel
from restore.propagation.exposure import exposure, relit
from restore.propagation.flow import follow

MOST = 10.0  # frames averaged at most; more would blur what flow misplaces
CHANGE = 12.0  # levels of 255: a seen pixel that differs by this much from its memory is another thing
UNKNOWN = 0.05  # a count below this is no memory at all


@dataclass(frozen=True)
class Memory:
    """The scene as other frames saw it, aligned with one frame.

    Attributes:
        colour: float32 `H W 3`, RGB in [0, 255], above it where the exposure clips; meaningless where `count` is 0.
        count: float32 `H W`, how many frames the colour is averaged from; 0 where nothing is remembered.
        age: float32 `H W`, frames since the pixel was last seen; 1 if the very next frame saw it.
        velocity: float32 `H W 2`, (x, y) in px a frame of the sweep, of what passes before a fixed camera and has been
            followed, else 0; None if nothing was followed to this frame.
    """

    colour: np.ndarray
    count: np.ndarray
    age: np.ndarray
    velocity: np.ndarray | None = None

    @classmethod
    def empty(cls, height: int, width: int) -> "Memory":
        blank = np.zeros((height, width), np.float32)
        return cls(np.zeros((height, width, 3), np.float32), blank, blank)

    def carried(self, flow: np.ndarray, trust: np.ndarray) -> "Memory":
        """The memory aligned with the next frame of the sweep.

        Args:
            flow: float32 `H W 2`, where each pixel of the next frame lies in this one.
            trust: float32 `H W` in [0, 1].
        """
        if flow.any():
            colour = follow(self.colour, flow, cv2.INTER_CUBIC)
            # A mixture of remembered and unknown pixels is not a colour of the scene.
            known = (self.count > UNKNOWN).astype(np.float32)
            moved = follow(np.asarray(cv2.merge([self.count, self.age, known])), flow)
            count, age = moved[..., 0] * (moved[..., 2] > 0.99), moved[..., 1]
        else:  # a still scene needs no resampling
            colour, count, age = self.colour, self.count, self.age
        count = count * trust
        count[count < UNKNOWN] = 0
        return Memory(colour, count, age + 1)

    def exposed(self, frame: np.ndarray, hidden: np.ndarray) -> "Memory":
        """The memory at the exposure of `frame` (uint8 `H W 3`), judged by what is not `hidden` (bool `H W`)."""
        light = exposure(self.colour, frame, (self.count > UNKNOWN) & ~hidden)
        return replace(self, colour=relit(self.colour, light))

    def updated(self, frame: np.ndarray, hidden: np.ndarray) -> "Memory":
        """The memory after `frame` (uint8 `H W 3`) is seen, but for its `hidden` (bool `H W`) pixels."""
        news = cv2.subtract(frame, np.minimum(self.colour, 255), dtype=cv2.CV_32F)
        # Noise is averaged out over a neighbourhood first, so that only a real change makes the memory let go.
        change = cv2.blur(cv2.transform(news, np.full((1, 3), 1 / 3, np.float32)), (5, 5))
        kept = self.count * np.exp(-np.square(change / CHANGE))
        gain = (~hidden).astype(np.float32) / (kept + 1)
        news *= in_each_channel(gain, 3)
        return Memory(
            self.colour + news,
            np.where(hidden, self.count, np.minimum(kept + 1, MOST)),
            np.where(hidden, self.age, np.float32(0)),
            self.velocity,
        )
