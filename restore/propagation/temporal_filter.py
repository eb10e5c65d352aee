"""Motion-compensated temporal filters: pictures averaged with those of other frames, along the motion.

`filter_hidden` averages what was hidden, once it is restored: what one frame hides the next may show, and show better
than a copy of the degraded picture; and what no frame saw is generated in each of them anew, and errs less on average.
`filter_pictures` averages whole pictures, so that what a diffusion model draws anew in each frame does not flicker.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from restore.arrays import grid, per_channel, sample, sample_points
from restore.frame import Frame
from restore.propagation.flow import Flow, Motion

RADIUS = 2  # frames before and after that are averaged; a third gains 0.03 dB in holes
FRAME_DECAY = 0.9  # of a frame's weight for each frame of distance
HIDDEN_WEIGHT = 0.5  # of a pixel that was hidden, relative to a visible one
SAME_OBJECT = 20.0  # levels; what differs by more is another object: no flow knows what moves behind an obstruction
PICTURE_DECAY = 0.4  # as FRAME_DECAY, for whole pictures; more flickers less, and blurs


class RestoredImage(Protocol):
    """A frame and the image that it was restored to, uint8 `H W 3`."""

    @property
    def frame(self) -> Frame: ...

    @property
    def image(self) -> np.ndarray: ...


def filter_hidden(restored: Sequence[RestoredImage], index: int) -> np.ndarray:
    """The image at `index`, what was hidden in it averaged with the other images, uint8 `H W 3`. Visible pixels stay.

    Args:
        restored: consecutive frames of one video, at most `RADIUS` to each side; those of other scenes are left out.

    >>> from types import SimpleNamespace
    >>> from restore.propagation.camera import STATIC
    >>> rest = Flow(np.zeros((1, 1, 2), np.float32), np.ones((1, 1), np.float32), True)
    >>> def restored(level, hidden, motion):
    ...     image = np.full((2, 2, 3), level, np.uint8)
    ...     mask = np.full((2, 2), hidden, np.float32)
    ...     return SimpleNamespace(image=image, frame=Frame(image, mask=mask, motion=motion))
    >>> still = Motion(rest, rest, STATIC)
    >>> images = [restored(100, 0, None), restored(110, 1, still), restored(220, 1, still)]
    >>> [filter_hidden(images, index).item(0) for index in (0, 1, 2)]
    [100, 104, 220]
    """
    own = restored[index]
    if not own.frame.has_hidden:
        return own.image
    pixels = np.flatnonzero(own.frame.hidden)
    colours = own.image.reshape(-1, 3)[pixels].astype(np.float32)
    total, weights = HIDDEN_WEIGHT * colours, np.full((len(pixels), 1), HIDDEN_WEIGHT, np.float32)
    start = grid(*own.frame.size).reshape(-1, 2)[pixels]
    for way in (frames_before(restored, index), frames_after(restored, index)):
        where, consistency = start, np.ones(len(pixels), np.float32)
        for other, flow in way:
            vectors, consistent = _flow_at(flow, where, *other.frame.size)
            consistency = FRAME_DECAY * consistency * consistent
            where = where + vectors
            there = sample_points(other.image, where).astype(np.float32)
            hidden = sample_points(other.frame.hidden.view(np.uint8) * np.uint8(255), where) * np.float32(1 / 255)
            same = np.exp(np.square(there - colours) @ np.full(3, -1 / 3 / SAME_OBJECT**2, np.float32))
            weight = consistency * same * (1 - (1 - HIDDEN_WEIGHT) * hidden)
            total += weight[:, None] * there
            weights += weight[:, None]
    image = own.image.copy()
    image.reshape(-1, 3)[pixels] = np.rint(total / weights)
    return image


def filter_pictures(pictures: np.ndarray, motions: Sequence[Motion]) -> np.ndarray:
    """Each picture averaged with all others, before and after, by a weight that falls with the distance in frames and
    with the consistency of the motion between. The weights sum to 1, so that the ends are no darker than the middle.

    Args:
        pictures: float32 `T H W 3`, T >= 1.
        motions: between each frame and the one before it, T - 1 of them.

    Returns:
        float32 `T H W 3`.

    Raises:
        ValueError: `pictures` is not float32 `T H W 3`, or has not one frame more than there are motions.

    >>> from restore.propagation.camera import STATIC
    >>> rest = Flow(np.zeros((1, 1, 2), np.float32), np.ones((1, 1), np.float32), True)
    >>> flicker = np.array([[1, 1, 1], [8, 8, 8]], np.float32).reshape(2, 1, 1, 3)
    >>> filter_pictures(flicker, [Motion(rest, rest, STATIC)])[:, 0, 0, 0].round(2).tolist()
    [3.0, 6.0]
    """
    if pictures.dtype != np.float32 or pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(f"pictures must be float32 T H W 3, got {pictures.dtype} of shape {pictures.shape}")
    if len(pictures) != len(motions) + 1:
        raise ValueError(f"need a motion between every two frames, got {len(pictures)} frames, {len(motions)} motions")
    weighted = np.concatenate([pictures, np.ones_like(pictures[..., :1])], -1)  # T H W 4: colour, weight
    totals = weighted.copy()
    for total, before in zip(totals[1:], _accumulated(weighted, [m.backward for m in motions]), strict=True):
        total += before
    future = _accumulated(weighted[::-1], [m.forward for m in reversed(motions)])
    for total, after in zip(totals[-2::-1], future, strict=True):
        total += after
    return np.stack([total[..., :3] / per_channel(total[..., 3], 3) for total in totals])


def _accumulated(weighted: np.ndarray, flows: Sequence[Flow]) -> Iterator[np.ndarray]:
    """For each frame but the first, the weighted sum of all frames ahead of it in this order, `H W 4`.

    Args:
        flows: for each frame but the first, where its pixels lie in the one ahead of it.
    """
    total = weighted[0]
    for own, flow in zip(weighted[1:], flows, strict=True):
        vectors, consistency = flow.at(*own.shape[:2])
        warped = sample(total, grid(*own.shape[:2]) + vectors) * per_channel(PICTURE_DECAY * consistency, 4)
        yield warped
        total = own + warped


def frames_before(restored: Sequence[RestoredImage], index: int) -> Iterator[tuple[RestoredImage, Flow]]:
    """From the image at `index` backwards, to the begin of its scene: each with the flow to it from the one after."""
    for later, other in pairwise(reversed(restored[: index + 1])):
        if later.frame.motion is None:
            return
        yield other, later.frame.motion.backward


def frames_after(restored: Sequence[RestoredImage], index: int) -> Iterator[tuple[RestoredImage, Flow]]:
    """From the image at `index` on, to the end of its scene: each with the flow to it from the one before."""
    for other in restored[index + 1 :]:
        if other.frame.motion is None:
            return
        yield other, other.frame.motion.forward


def _flow_at(flow: Flow, where: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors `N 2` and consistency `N` of a flow at points of the full picture, float32 `N 2` (x, y)."""
    rows, columns = flow.consistency.shape
    scale = np.array([columns / width, rows / height], np.float32)
    there = (where + np.float32(0.5)) * scale - np.float32(0.5)  # pixel centres
    return sample_points(flow.vectors, there), sample_points(flow.consistency, there)
