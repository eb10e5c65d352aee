"""The scene before a static camera, as it was ever seen: one colour a pixel, by majority vote (Boyer, Moore 1991).

A frame that agrees with the colour adds a vote, one that does not takes one away, and what comes when none is left
replaces the colour. So moving objects leave no trace, and what has come to stay is the background in time. Hidden
pixels do not vote: their colour stays as long as they are hidden. Three planes hold it all, however long the video.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from restore.arrays import blur, choose, difference, mean_channel, per_channel, pool
from restore.frame import Frame
from restore.propagation.exposure import exposure, relit
from restore.propagation.memory import CHANGE, CHANGE_SIDE

MOST_VOTES = 250.0  # what has come to stay is the background after so many frames at the latest
AVERAGED_VOTES = 32.0  # frames; more would follow light that changes in one place too late
SAME_VIEW = 0.8  # share of what is visible that has to agree, else the camera looks elsewhere


@dataclass(frozen=True)
class Background:
    """The scene that stays; 20 bytes a pixel.

    Attributes:
        colour: float32 `H W 3`, RGB in [0, 255], above it where the exposure clips; meaningless where `votes` is 0.
        votes: float32 `H W`; 0 where the scene was never seen.
        last_seen: float32 `H W`, the number of the frame that last showed the pixel in this colour.
    """

    colour: np.ndarray
    votes: np.ndarray
    last_seen: np.ndarray

    @classmethod
    def empty(cls, height: int, width: int) -> "Background":
        blank = np.zeros((height, width), np.float32)
        return cls(np.zeros((height, width, 3), np.float32), blank, blank)

    @cached_property
    def known(self) -> np.ndarray:
        """bool `H W`: where the scene was ever seen."""
        return self.votes > 0

    @cached_property
    def empty_yet(self) -> bool:
        """Whether nothing was seen yet."""
        return not self.known.any()

    def age(self, number: int) -> np.ndarray:
        """float32 `H W`, frames between frame `number` and the one that last showed each pixel, before or after."""
        return np.abs(self.last_seen - np.float32(number))

    def relit(self, frame: Frame) -> "Background":
        """The background at the exposure of `frame`, judged by what both know."""
        rows, columns = frame.cells.shape[:2]
        both = frame.visible_cells & (pool(self.known.astype(np.float32), rows, columns) == 1)
        return replace(
            self, colour=relit(self.colour, exposure(pool(self.colour, rows, columns)[both], frame.cells[both]))
        )

    def voted(self, frame: Frame, number: int) -> "Background":
        """The background after frame `number` has voted, at its exposure, on all but the pixels that it excludes.

        It begins anew where too little agrees: the camera looks elsewhere.
        """
        if self.empty_yet:
            visible = ~frame.excluded
            return Background(
                frame.image.astype(np.float32), visible.astype(np.float32), np.full(frame.size, number, np.float32)
            )
        lit = self.relit(frame)
        visible = ~frame.excluded
        both = visible & self.known
        change = difference(frame.image, lit.colour)
        agrees = both & ~_differs(change)
        if np.count_nonzero(agrees) < SAME_VIEW * np.count_nonzero(both):
            return Background.empty(*frame.size).voted(frame, number)
        votes = self.votes + agrees
        votes -= both & ~agrees
        replaced = visible & (votes <= 0)
        change *= per_channel(agrees / np.clip(votes, 1, np.float32(AVERAGED_VOTES)), 3)
        change += lit.colour
        return Background(
            choose(replaced, frame.image.astype(np.float32), change),
            np.clip(votes, replaced.astype(np.float32), np.float32(MOST_VOTES)),
            choose(agrees | replaced, np.full_like(self.last_seen, number), self.last_seen),
        )


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """bool `H W`: where two pictures (float32 `H W 3`, levels of 255) differ by more than noise."""
    return _differs(difference(np.minimum(one, np.float32(255)), other))


def _differs(change: np.ndarray) -> np.ndarray:
    return mean_channel(np.abs(blur(change, CHANGE_SIDE))) > CHANGE
