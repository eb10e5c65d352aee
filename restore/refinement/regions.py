"""Which parts of a stretch of frames are worth regenerating, and the crops to do it on: work follows the hidden area.

A region is a connected component of what no frame saw, taken over the whole stretch, so that its crop does not move.
It is heavy where a whole square fits into it, in some frame: the generator completes slivers as well, and far faster.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

LEAST_CONTEXT = 1 / 15  # of the picture's height (16 px of 240), on each side, however small the hole
# In pixels whatever the picture's height, as the network's own multiple is: a crop's sides are multiples of both where
# the frame allows it, so that crops of one size are frequent and go through the network in one batch.
GRID = 32


@dataclass(frozen=True)
class Region:
    """A crop, the same in each frame of a stretch, around one hole or more.

    Attributes:
        top, left, height, width: the crop in pixels, with its context.
        hidden: bool `T height width`, the pixels to regenerate. No pixel of a frame belongs to two regions.
    """

    top: int
    left: int
    height: int
    width: int
    hidden: np.ndarray

    @property
    def crop(self) -> tuple[slice, slice]:
        """Rows and columns: `picture[region.crop]` of a picture `H W ...`."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class _Hole:
    """Components, by their labels, and the box around them, its bottom and right outside it."""

    labels: list[int]
    top: int
    left: int
    bottom: int
    right: int

    def __add__(self, other: "_Hole") -> "_Hole":
        return _Hole(
            self.labels + other.labels,
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


def heavy_regions(unseen: np.ndarray, *, heavy_side: float, context: float, multiple: int) -> list[Region]:
    """The heavy regions of a stretch. Two of them become one where its crop is smaller than the sum of theirs.

    Args:
        unseen: bool `T H W`, hidden and seen in no other frame.
        heavy_side: a region is heavy if a square with this side, a share of the height H in (0, 1], fits into it in
            some frame.
        context: how far a crop reaches beyond its holes on each side, as a share of their extent in that direction.
        multiple: of what a crop's sides are multiples. Along a side of the frame which is too short for that the crop
            is as long as the frame, and has to be padded (`tensors.pad_to_multiple`).

    Raises:
        ValueError: `unseen` is not bool `T H W`, or a number is out of range.

    >>> unseen = np.zeros((3, 240, 320), bool)
    >>> unseen[1, 100:164, 200:264] = True
    >>> [region] = heavy_regions(unseen, heavy_side=0.1, context=0.25, multiple=8)
    >>> region.top, region.left, region.height, region.width, region.hidden.shape
    (84, 184, 96, 96, (3, 96, 96))
    """
    if unseen.dtype != bool or unseen.ndim != 3:
        raise ValueError(f"unseen must be bool T H W, got {unseen.dtype} of shape {unseen.shape}")
    if not 0 < heavy_side <= 1 or context < 0 or multiple < 1:
        raise ValueError(
            f"need 0 < heavy_side <= 1, context >= 0, multiple >= 1, got {heavy_side}, {context}, {multiple}"
        )
    ever = np.asarray(unseen.any(0))
    least = round(LEAST_CONTEXT * ever.shape[0])
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ever.astype(np.uint8), connectivity=8)

    def crop(hole: _Hole) -> tuple[int, int, int, int]:
        top, height = _extent(hole.top, hole.bottom, ever.shape[0], context, least, multiple)
        left, width = _extent(hole.left, hole.right, ever.shape[1], context, least, multiple)
        return top, left, height, width

    def area(hole: _Hole) -> int:
        _, _, height, width = crop(hole)
        return height * width

    holes: list[_Hole] = []
    for label in np.unique(labels[_fits(unseen, max(1, round(heavy_side * ever.shape[0])))]):
        left, top, width, height = (int(x) for x in boxes[label, :4])
        hole = _Hole([int(label)], top, left, top + height, left + width)
        while other := next((x for x in holes if area(x + hole) < area(x) + area(hole)), None):
            holes.remove(other)
            hole = other + hole
        holes.append(hole)
    return [_region(hole.labels, *crop(hole), unseen, labels) for hole in holes]


def by_size(regions: Iterable[Region]) -> list[list[Region]]:
    """Regions with crops of one size, which a network takes in one batch, in the order of the first of each size."""
    batches: defaultdict[tuple[int, int], list[Region]] = defaultdict(list)
    for region in regions:
        batches[region.height, region.width].append(region)
    return list(batches.values())


def _region(
    own: list[int], top: int, left: int, height: int, width: int, unseen: np.ndarray, labels: np.ndarray
) -> Region:
    rows, columns = slice(top, top + height), slice(left, left + width)
    return Region(top, left, height, width, unseen[:, rows, columns] & np.isin(labels[rows, columns], own))


def _fits(unseen: np.ndarray, side: int) -> np.ndarray:
    """bool `H W`: the middles of all squares of `side` pixels that fit into a hole in some frame."""
    square = np.ones((side, side), np.uint8)
    # A hole ends where the frame does; OpenCV's default border would extend it.
    frames = [
        cv2.erode(frame, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) for frame in unseen.astype(np.uint8)
    ]
    return np.any(frames, axis=0)


def _extent(start: int, stop: int, end: int, context: float, least: int, multiple: int) -> tuple[int, int]:
    """Start and length of the crop around `start:stop`, with at least `least` pixels of context, in `end` pixels."""
    wanted = stop - start + 2 * max(least, math.ceil(context * (stop - start)))
    rounded = (math.ceil(wanted / step) * step for step in (math.lcm(multiple, GRID), multiple))
    length = next((x for x in rounded if x <= end), end)
    return min(max((start + stop - length) // 2, 0), end - length), length
