"""Blind: the models that say where the scene is hidden, over a stream of frames, and what they say made steady in time.

frames ──> windows ──> network ──> median of three ──> frames with masks and kinds
           + context               where it lasts
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore.degradations.obstructions.kinds import KINDS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter, surroundings
from restore.tensors import to_float
from restore.video.windows import windows

Finder: TypeAlias = OcclusionFinder | Segmenter
BATCH = 4  # frames the networks see at once; more gain no speed on a CPU
AROUND = 3  # frames before and after a batch, over which the segmenter sees what moves
SIDE = 240  # px: the segmenter knows things of the size that they have in a picture this high
LASTS = np.isin(KINDS, ["dirt", "drops", "flare", "text"])  # by kind: does not come and go within a frame


@dataclass(frozen=True)
class Found:
    """A frame with what was found in it.

    Attributes:
        image: uint8 `H W 3`, RGB in [0, 255].
        probability: float32 `H W`, that the pixel is hidden.
        kinds: uint8 `H W`, by what, if it is: an index into `KINDS`; None if the model cannot tell.
    """

    image: np.ndarray
    probability: np.ndarray
    kinds: np.ndarray | None


@torch.inference_mode()
def find(model: Finder, images: Iterable[np.ndarray], *, place: Callable[[Tensor], Tensor]) -> Iterator[Found]:
    """What is hidden in each of `images`, uint8 `H W 3`, in order.

    Args:
        place: moves frames `N C H W` to where the model is.
    """
    if isinstance(model, OcclusionFinder):
        for window in windows(images, BATCH, before=1, after=1):
            frames = place(to_float(np.stack(window.items)))
            last, core = len(frames) - 1, range(window.start, window.stop)
            previous, following = frames[[max(0, t - 1) for t in core]], frames[[min(last, t + 1) for t in core]]
            logits = model(torch.cat([previous, frames[window.start : window.stop], following], 1))
            for image, one in zip(window.core, _numpy(logits[:, 0].float().sigmoid()), strict=True):
                yield Found(image, one, None)
        return
    yield from steady(_segmented(model, images, place))


def _segmented(model: Segmenter, images: Iterable[np.ndarray], place: Callable[[Tensor], Tensor]) -> Iterator[Found]:
    for window in windows(images, BATCH, before=AROUND, after=AROUND):
        frames = to_float(np.stack(window.items))
        height, width = frames.shape[-2:]
        smaller = max(1, min(height, width) // SIDE)
        if smaller > 1:
            frames = F.avg_pool2d(frames, smaller, ceil_mode=True)
        # The deviation of frames that hardly differ needs the precision that the network does without.
        logits = model(place(surroundings(frames[None], range(window.start, window.stop))[0])).float()
        likely, kinds = logits[:, 0].sigmoid(), logits[:, 1:].argmax(1).to(torch.uint8)
        if smaller > 1:
            likely = F.interpolate(likely[:, None], scale_factor=smaller, mode="bilinear")[:, 0, :height, :width]
            kinds = kinds.repeat_interleave(smaller, 1).repeat_interleave(smaller, 2)[:, :height, :width]
        yield from map(Found, window.core, _numpy(likely), _numpy(kinds))


def steady(found: Iterable[Found]) -> Iterator[Found]:
    """Where the kind is one that lasts, the middle of a frame's probability and its neighbours'."""
    for window in windows(found, 1, before=1, after=1):
        (now,) = window.core
        if len(window.items) < 3 or now.kinds is None:
            yield now
            continue
        a, b, c = (item.probability for item in window.items)
        middle = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
        yield replace(now, probability=np.where(LASTS[now.kinds], middle, b))


def _numpy(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.cpu().numpy())
