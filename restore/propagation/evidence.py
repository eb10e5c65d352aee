"""Everything the generator is told about a frame, as one stack of channels: the same in training and inference.

channel     what                                                    range
0-2         the base: denoised by averaging, holes filled by copies [-1, 1]
3-5         the frame itself                                        [-1, 1]
6-8, 9-11   the frames before and after it, as they are             [-1, 1]
12-14       what the past saw, aligned                              [-1, 1]
15, 16      how much of the past that stands for, how recent it is  [0, 1]
17-19       what the future saw, aligned                            [-1, 1]
20, 21      how much of the future that stands for, how near it is  [0, 1]
22          the probability that the pixel is hidden                [0, 1]
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.propagation.engine import DOUBT, Tracked, fuse
from restore.propagation.memory import MOST, UNKNOWN, Memory

CHANNELS = 23
BASE, FRAME = slice(0, 3), slice(3, 6)
RECENCY, MASK = [16, 21], slice(22, 23)


def evidence(
    frame: Tracked,
    previous: np.ndarray,
    following: np.ndarray,
    before: Memory,
    after: Memory,
    *,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The stack for one frame, float32 `H W 23`.

    Args:
        frame: the frame.
        previous, following: its neighbours, uint8 `H W 3`; at the ends of a video the frame itself.
        before, after: what the past and the future saw, from the two sweeps.
        out: where to write the stack, float32 `H W 23`; None makes room for it, which takes longer than filling it.
    """
    base = picture(fuse(frame, before, after))
    channels = [base, picture(frame.image), picture(previous), picture(following)]
    for memory in (before, after):
        known = memory.count > UNKNOWN
        # A pixel that is not remembered shows the base: to the generator the same as no news.
        channels.append(cv2.copyTo(base, (~known).astype(np.uint8), picture(np.minimum(memory.colour, 255))))
        channels.append(memory.count / np.float32(MOST))
        channels.append(known / np.maximum(memory.age, np.float32(1)))
    channels.append(frame.mask)
    stack = np.empty((*frame.mask.shape, CHANNELS), np.float32) if out is None else out
    cv2.merge(channels, stack)  # several times faster than writing the channels one by one
    return stack


def picture(levels: np.ndarray) -> np.ndarray:
    """Levels [0, 255], uint8 or float32 => float32 in [-1, 1]."""
    return levels / np.float32(127.5) - np.float32(1)


def to_tensor(stacks: np.ndarray) -> Tensor:
    """Stacks float32 `B H W C` => `B C H W`, channels last in memory, which convolutions on a CPU run fastest on."""
    return torch.from_numpy(stacks).permute(0, 3, 1, 2)


def unseen(stacks: Tensor) -> Tensor:
    """Where no frame saw the picture: stacks `B 23 H W` => bool `B 1 H W`."""
    nowhere = (stacks[:, RECENCY] == 0).all(1, keepdim=True)
    return nowhere & (stacks[:, MASK] > DOUBT)
