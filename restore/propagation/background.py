"""The scene before a fixed camera, as it was ever seen: one colour a pixel, by majority vote (Boyer, Moore 1991).

A frame that agrees with the colour adds a vote, one that does not takes one away, and what comes when none is left
takes the pixel over. So what passes leaves no trace, and what has come to stay is the background in time. On what is
hidden nobody votes: it is kept as long as it stays hidden. Three planes hold it all, however long the video.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from restore.propagation.channels import in_each_channel
from restore.propagation.exposure import exposure, relit
from restore.propagation.memory import CHANGE

MOST = 250.0  # votes: what has come to stay is the background after so many frames at the latest
AVERAGED = 32.0  # frames; more would follow light that changes in one place too late
SAME_PLACE = 0.8  # share of what is seen that has to agree, else the camera looks elsewhere


@dataclass(frozen=True)
class Background:
    """The scene that stays.

    Attributes:
        colour: float32 `H W 3`, RGB in [0, 255], above it where the exposure clips; meaningless where `votes` is 0.
        votes: float32 `H W`; 0 where the scene was never seen.
        age: float32 `H W`, frames since the pixel was last seen in this colour.
    """

    colour: np.ndarray
    votes: np.ndarray
    age: np.ndarray

    @classmethod
    def empty(cls, height: int, width: int) -> "Background":
        blank = np.zeros((height, width), np.float32)
        return cls(np.zeros((height, width, 3), np.float32), blank, blank)

    @property
    def known(self) -> np.ndarray:
        """bool `H W`: where the scene was ever seen."""
        return self.votes > 0

    def exposed(self, frame: np.ndarray, hidden: np.ndarray) -> "Background":
        """The background at the exposure of `frame` (uint8 `H W 3`), judged by what is not `hidden` (bool `H W`)."""
        return replace(self, colour=relit(self.colour, exposure(self.colour, frame, self.known & ~hidden)))

    def ago(self, frames: int) -> "Background":
        """The background with its age as from `frames` frames ago; what was seen since then counts as near as well."""
        return replace(self, age=np.abs(self.age - np.float32(frames)))

    def voted(self, frame: np.ndarray, hidden: np.ndarray) -> "Background":
        """The background after `frame` (uint8 `H W 3`) has voted on all but its `hidden` (bool `H W`) pixels.

        It begins anew where too little agrees: the camera looks elsewhere.
        """
        seen = ~hidden
        both = seen & self.known
        agrees = both & ~differing(self.colour, frame)
        if agrees.sum() < SAME_PLACE * both.sum():
            return Background.empty(*self.votes.shape).voted(frame, hidden)
        votes = self.votes + agrees - (both & ~agrees)
        taken = seen & (votes <= 0)
        news = cv2.subtract(frame, np.minimum(self.colour, 255), dtype=cv2.CV_32F)
        news *= in_each_channel(agrees / np.clip(votes, 1, np.float32(AVERAGED)), 3)
        return Background(
            cv2.copyTo(frame.astype(np.float32), taken.astype(np.uint8), self.colour + news),
            np.where(taken, np.float32(1), np.minimum(votes, np.float32(MOST))),
            np.where(agrees | taken, np.float32(0), self.age + 1),
        )


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """bool `H W`: where two pictures (`H W 3`, in [0, 255]) show different things, noise aside."""
    change = cv2.blur(cv2.subtract(np.minimum(one, 255), np.minimum(other, 255), dtype=cv2.CV_32F), (5, 5))
    return cv2.transform(np.abs(change), np.full((1, 3), 1 / 3, np.float32)) > CHANGE
