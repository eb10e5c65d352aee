"""What noise the generator has left, averaged away: with the frames around, along the motion, then with the pixels
around that are alike (a bilateral filter, Tomasi & Manduchi 1998).

The generator removes most of the noise, and what is left of it differs from frame to frame and from pixel to pixel.
Both filters average what differs by no more than noise of that strength explains, so that edges, and what moves in a
way that no flow knows, stay. The numbers are chosen on training clips, with noise of sigma 5 to 30.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from restore.arrays import CUBIC, blur, choose, grid, per_channel, sample, stacked
from restore.propagation.flow import Flow
from restore.propagation.temporal_filter import (
    FRAME_DECAY,
    HIDDEN_WEIGHT,
    RestoredImage,
    filter_hidden,
    frames_after,
    frames_before,
)

SAME = 1.3  # times the noise; the difference at which another frame's weight is 1/e
SIDE = 3  # px; of what a difference is averaged over. Not a share of the height: noise has one size
ALIKE = 2.0  # times the noise: the bilateral filter's deviation of the sum of the channels' differences
NEIGHBOURS, NEAR = 5, 1.0  # px; the side of what the bilateral filter averages, and its deviation in space
ROWS = 256  # computed at a time, as a large picture's numbers take a large room
MEAN = np.full((1, 3), 1 / 3, np.float32)  # of three channels; NumPy takes 60 times as long along so short an axis
# What removes the noise that the bilateral filter leaves, by its result and what it began from, uint8 `H W 3`, the
# degraded picture, where that is hidden, bool `H W`, and the noise that it has, in levels: `NoiseNetwork.filtered`.
Remover = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]


def filter_frame(
    restored: Sequence[RestoredImage],
    index: int,
    *,
    noise: float,
    share: float,
    remove: Remover | None = None,
) -> np.ndarray:
    """The image at `index` as it is written, uint8 `H W 3`: what was hidden by `filter_hidden`, and of a noisy frame
    all of it without the noise that was left.

    Args:
        restored: consecutive frames of one video, at most `RADIUS` to each side; those of other scenes are left out.
        noise: of the degraded frame, in levels, as `models.degradation.noise_level`.
        share: how much of what is filtered here counts, in [0, 1]; at 0 visible pixels stay.
        remove: goes on from the bilateral filter's result.
    """
    image = filter_hidden(restored, index)
    if not share > 0:
        return image
    averaged = averaged_frame(restored, index, image, noise=noise)
    frame = restored[index].frame
    filtered = smoothed(averaged, noise)
    if remove is not None:
        filtered = remove(filtered, averaged, frame.image, frame.hidden, noise)
    return cv2.addWeighted(filtered, share, image, 1 - share, 0)


def smoothed(averaged: np.ndarray, noise: float) -> np.ndarray:
    """An averaged image, uint8 `H W 3`, without the noise that is left of `noise` levels, where it is alike."""
    return cv2.bilateralFilter(averaged, NEIGHBOURS, ALIKE * noise, NEAR)


def averaged_frame(restored: Sequence[RestoredImage], index: int, image: np.ndarray, *, noise: float) -> np.ndarray:
    """The image at `index`, uint8 `H W 3`, averaged with those around where they show the same; what was hidden as in
    `image`. The others are as of `filter_frame`.
    """
    own, averaged = restored[index], np.empty_like(image)
    height, halo = len(image), SIDE // 2
    around = [*_followed(frames_before(restored, index)), *_followed(frames_after(restored, index))]
    for top in range(0, height, ROWS):
        start, stop = max(0, top - halo), min(top + ROWS + halo, height)
        part = _averaged(own, around, slice(start, stop), noise)
        averaged[top : top + ROWS] = part[top - start : top - start + ROWS]
    return choose(own.frame.hidden, image, averaged) if own.frame.has_hidden else averaged


def _averaged(own: RestoredImage, around: Sequence["_Other"], rows: slice, noise: float) -> np.ndarray:
    """Some rows of an image averaged with those around it where they show the same, uint8 `h W 3`."""
    height, width = own.frame.size
    image, points = own.image[rows], grid(height, width)[rows]
    total, weights = image.astype(np.float32), np.ones(image.shape[:2], np.float32)
    for other in around:
        h, w = other.motion.shape[:2]
        centres = (points + np.float32(0.5)) * np.array([w / width, h / height], np.float32) - np.float32(0.5)
        motion = sample(other.motion, centres)
        where = points + motion[..., :2]
        there = sample(other.image, where, CUBIC)
        differences = cv2.subtract(there, image, dtype=cv2.CV_32F)
        squared = blur(cv2.transform(np.square(differences), MEAN), SIDE)
        weight = motion[..., 2] * cv2.exp(squared * np.float32(-1 / (SAME * noise) ** 2))
        if other.hidden is not None:
            weight = weight * (1 - np.float32((1 - HIDDEN_WEIGHT) / 255) * sample(other.hidden, where))
        total += per_channel(weight, 3) * there
        weights += weight
    return cv2.convertScaleAbs(total / per_channel(weights, 3))  # rounded


@dataclass(frozen=True)
class _Other:
    """Another image, and how to get there.

    Attributes:
        image: uint8 `H W 3`.
        hidden: uint8 `H W`, 255 where it was; None if nothing was.
        motion: float32 `h w 3`, the vector (x, y) there, in pixels of the picture, and the weight of what is found.
    """

    image: np.ndarray
    hidden: np.ndarray | None
    motion: np.ndarray


def _followed(way: Iterator[tuple[RestoredImage, Flow]]) -> Iterator[_Other]:
    """Each image of a way, with the motion to it from where the way begins."""
    motion: np.ndarray | None = None
    for restored, flow in way:
        frame = restored.frame
        step = stacked(flow.vectors, flow.consistency * np.float32(FRAME_DECAY))
        motion = step if motion is None else _joined(motion, step, *frame.size)
        yield _Other(restored.image, frame.hidden.view(np.uint8) * np.uint8(255) if frame.has_hidden else None, motion)


def _joined(first: np.ndarray, then: np.ndarray, height: int, width: int) -> np.ndarray:
    """One motion after another, each `h w 3`."""
    rows, columns = first.shape[:2]
    where = grid(rows, columns) + first[..., :2] * np.array([columns / width, rows / height], np.float32)
    there = sample(then, where)
    return stacked(first[..., :2] + there[..., :2], first[..., 2] * there[..., 2])
