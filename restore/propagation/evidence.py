"""Everything that the generator reads of a frame, as one stack of channels: the same in training and in use.

channel     what                                                    range
0-2         the base: denoised by averaging, holes filled by copies [-1, 1]
3-5         the frame itself                                        [-1, 1]
6-8, 9-11   the frames before and after it, as they are             [-1, 1]
12-14       what the past saw, aligned                              [-1, 1]
15, 16      how much of the past that stands for, how recent it is  [0, 1]
17-19       what the future saw, aligned                            [-1, 1]
20, 21      how much of the future that stands for, how recent it is [0, 1]
22          whether the pixel is hidden                             0 or 1

A stack is 92 bytes a pixel, 191 MB at 1920x1080: it is made a batch at a time, and only when it is asked for.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.arrays import blend, choose, clipped
from restore.frame import Frame
from restore.propagation.confidence import OF_COPIES, OF_FILLED, copy_features, fill_features
from restore.propagation.fill import fill_from_around
from restore.propagation.memory import AVERAGED, Memory
from restore.propagation.provenance import COPIED, mask_provenance

CHANNELS = 23
BASE, FRAME = slice(0, 3), slice(3, 6)
COUNTS, RECENCY, MASK = [15, 20], [16, 21], slice(22, 23)
PICTURE = np.arange(256, dtype=np.float32) / np.float32(127.5) - np.float32(1)  # levels in [-1, 1]


@dataclass(frozen=True)
class Evidence:
    """A frame with what other frames saw of it.

    Attributes:
        frame: the frame.
        previous, following: its neighbours; at the ends of a scene the frame itself.
        past, future: the memories of the two sweeps, aligned with it.
    """

    frame: Frame
    previous: Frame
    following: Frame
    past: Memory
    future: Memory

    @cached_property
    def copied(self) -> np.ndarray:
        """bool `H W`: the hidden pixels that another frame saw, so that a memory can fill them."""
        return self.frame.hidden & (self.past.known | self.future.known)

    def base(self) -> np.ndarray:
        """The picture that the generator starts from, float32 `H W 3`, RGB in [0, 255]: `averaged`, and pixels that no
        frame saw filled from around.
        """
        averaged = self.averaged()
        return fill_from_around(averaged, ~self.frame.hidden | self.copied) if self.frame.has_hidden else averaged

    def averaged(self) -> np.ndarray:
        """What was seen of each pixel, float32 `H W 3`, RGB of at most 255, a little below 0 where the interpolation
        undershoots; meaningless where no frame saw it.

        A visible pixel is averaged with its two memories, weighted by how many frames each stands for. A hidden pixel
        is the blend of its copies, weighted by the inverse squares of their ages.
        """
        frame, memories = self.frame, (self.past, self.future)
        own = np.ones(frame.size, np.float32)
        past, future = (memory.count for memory in memories)
        if frame.has_hidden:
            own[frame.hidden] = 0
            recency = [m.known / np.square(np.maximum(m.age, np.float32(1))) for m in memories]
            either = np.maximum(recency[0] + recency[1], np.float32(1e-30))  # however old both are, one weighs 1
            past, future = (choose(frame.hidden, r / either, m.count) for r, m in zip(recency, memories, strict=True))
        averaged = blend(frame.image.astype(np.float32), self.past.colour, own, past)
        return clipped(blend(averaged, self.future.colour, own + past, future))

    def stack(self, out: np.ndarray | None = None) -> np.ndarray:
        """All channels, float32 `H W 23`; written to `out` if that is given, as fresh memory costs more than filling
        it. 5 ms at 320x240.
        """
        return self.part(slice(0, self.frame.size[0]), picture(self.base()), out)

    def part(self, rows: slice, base: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Some rows of the stack.

        Args:
            base: float32 `H W 3` in [-1, 1], of `base`.
        """
        base = base[rows]
        images = self.frame.image, self.previous.image, self.following.image
        channels = [base, *(picture(image[rows]) for image in images)]
        for memory in (self.past, self.future):
            colour, known = picture(clipped(memory.colour[rows])), memory.known[rows]
            # An unknown pixel shows the base: to the generator the same as no news.
            channels.append(colour if memory.complete else choose(known, colour, base))
            channels.append(memory.count[rows] * np.float32(1 / AVERAGED))
            channels.append(known / np.maximum(memory.age[rows], np.float32(1)))
        channels.append(self.frame.hidden[rows].astype(np.float32))
        stack = np.empty((*base.shape[:2], CHANNELS), np.float32) if out is None else out
        cv2.merge(channels, stack)  # several times faster than writing the channels one by one
        return stack

    @property
    def provenance(self) -> np.ndarray:
        """uint8 `H W`: the codes of `provenance.py`."""
        codes = mask_provenance(self.frame)
        codes[self.copied] = COPIED
        return codes

    @property
    def odds(self) -> np.ndarray:
        """Of the hidden pixels: see `Restored`."""
        hidden = self.frame.hidden
        odds = np.zeros(hidden.shape, np.float32)
        if self.frame.has_hidden:
            unseen = hidden & ~self.copied
            odds[self.copied] = copy_features(self.past, self.future, self.copied) @ OF_COPIES[:-1]
            odds[unseen] = fill_features(unseen) @ OF_FILLED[:-1]
        return odds[hidden]


class EvidenceRows:
    """The stack of a large picture, a strip of rows at a time; of the whole only the base is made, 12 bytes a pixel.

    Attributes:
        size: rows and columns.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._base = picture(evidence.base())
        self.size = evidence.frame.size

    def __getitem__(self, rows: slice) -> Tensor:
        """Rows of the stack, float32 `1 23 rows W`."""
        return to_tensor(self._evidence.part(rows, self._base)[None])


def picture(levels: np.ndarray) -> np.ndarray:
    """Levels [0, 255], uint8 or float32 => float32 in [-1, 1]."""
    if levels.dtype == np.uint8:
        return cv2.LUT(levels, PICTURE)  # a third of the time that dividing takes
    return cv2.addWeighted(levels, 1 / 127.5, levels, 0, -1)


def to_tensor(stacks: np.ndarray) -> Tensor:
    """Stacks float32 `B H W C` => `B C H W`, channels last in memory, which convolutions on a CPU run fastest on."""
    return torch.from_numpy(stacks).permute(0, 3, 1, 2)


def unseen(stacks: Tensor) -> Tensor:
    """Where no frame saw the picture: stacks `B 23 H W` => bool `B 1 H W`."""
    nowhere = (stacks[:, RECENCY] == 0).all(1, keepdim=True)
    return nowhere & (stacks[:, MASK] > 0)
