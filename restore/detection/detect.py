"""Blind: the models that say where the scene is hidden, over a stream of frames, and what they say made steady in time.

frames ──> windows ──> finder ─────────────────────────────> together ──> frames with masks and kinds
           + context   segmenter ──> steady, where it lasts ─┘ without traces
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import tee

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore.detection.dilate import rimmed
from restore.detection.fuse import together, without_traces
from restore.kinds import KINDS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter, one_by_one
from restore.propagation.flow import is_cut, trackable
from restore.tensors import to_float
from restore.video.windows import windows

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

    @property
    def mask(self) -> np.ndarray:
        """What to restore by: the probability, but that of all kinds other than boxes reaches a soft rim further."""
        return self.probability if self.kinds is None else rimmed(self.probability, self.kinds)


@torch.inference_mode()
def find(
    finder: OcclusionFinder,
    images: Iterable[np.ndarray],
    *,
    place: Callable[[Tensor], Tensor],
    segmenter: Segmenter | None = None,
) -> Iterator[Found]:
    """What is hidden in each of `images`, uint8 `H W 3`, in order.

    Args:
        finder: knows grey boxes.
        place: moves frames `N C H W` to where the models are.
        segmenter: knows all of `KINDS`; without one it is not said which of them it is.
    """
    if segmenter is None:
        for image, likely in _boxes(finder, images, place):
            yield Found(image, likely, None)
        return
    for_boxes, for_all = tee(images)
    both = zip(_boxes(finder, for_boxes, place), steady(_segmented(segmenter, for_all, place)), strict=True)
    for window in windows(both, 1, before=1, after=1):
        said = []
        for (_, likely), seen in window.items:
            assert seen.kinds is not None
            said.append((likely, seen.probability, seen.kinds))
        (((image, _), _),) = window.core
        yield Found(image, *together(*without_traces(said, window.start)))


def _boxes(
    finder: OcclusionFinder, images: Iterable[np.ndarray], place: Callable[[Tensor], Tensor]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each image with the finder's probabilities, float32 `H W`."""
    for window in windows(images, BATCH, before=1, after=1):
        frames = place(to_float(np.stack(window.items)))
        last, core = len(frames) - 1, range(window.start, window.stop)
        previous, following = frames[[max(0, t - 1) for t in core]], frames[[min(last, t + 1) for t in core]]
        logits = finder(torch.cat([previous, frames[window.start : window.stop], following], 1))
        yield from zip(window.core, _numpy(logits[:, 0].float().sigmoid()), strict=True)


def _segmented(model: Segmenter, images: Iterable[np.ndarray], place: Callable[[Tensor], Tensor]) -> Iterator[Found]:
    for window in windows(_scenes(images), BATCH, before=AROUND, after=AROUND):
        pictures, scenes = zip(*window.items, strict=True)
        frames = to_float(np.stack(pictures))
        height, width = frames.shape[-2:]
        smaller = max(1, min(height, width) // SIDE)
        if smaller > 1:
            frames = F.avg_pool2d(frames, smaller, ceil_mode=True)
        # What another scene is like says nothing of this one.
        core = range(window.start, window.stop)
        seen = (
            stack
            for first, last in _runs(scenes)
            if first < core.stop and last >= core.start
            for stack in one_by_one(frames[None, first : last + 1], [t - first for t in core if first <= t <= last])
        )
        # The deviation of frames that hardly differ needs the precision that the network does without.
        logits = torch.cat([model(place(stack)).float() for stack in seen])
        likely, kinds = logits[:, 0].sigmoid(), logits[:, 1:].argmax(1).to(torch.uint8)
        if smaller > 1:
            likely = F.interpolate(likely[:, None], scale_factor=smaller, mode="bilinear")[:, 0, :height, :width]
            kinds = kinds.repeat_interleave(smaller, 1).repeat_interleave(smaller, 2)[:, :height, :width]
        yield from map(Found, pictures[window.start : window.stop], _numpy(likely), _numpy(kinds))


def _scenes(images: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
    """Each image with the number of its scene."""
    scene, before = 0, None
    for image in images:
        now = trackable(image)
        scene += before is not None and is_cut(now, before)
        before = now
        yield image, scene


def _runs(scenes: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last index of each scene, of numbers that rise.

    >>> _runs([3, 3, 4, 4, 4])
    [(0, 1), (2, 4)]
    """
    return [(scenes.index(scene), scenes.index(scene) + scenes.count(scene) - 1) for scene in sorted(set(scenes))]


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
