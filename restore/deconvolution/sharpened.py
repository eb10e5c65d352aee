"""Frames that are blurred and have no noise, sharpened; all others as they are.

It is the last thing that is done to visible pixels: what hid the scene is filled by then, with what is as blurred as
the rest, so that no edge that is sharper than the blur rings. Where there is one, as of a caption, little is done.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from restore.arrays import blur
from restore.deconvolution.likely import likely
from restore.deconvolution.paths import likely_paths
from restore.deconvolution.wiener import REACH, Deconvolution, deconvolution, deconvolution_along
from restore.frame import Frame
from restore.models.degradation import log_level, noisy_frame
from restore.models.softness import at_frequencies, in_rings, logit_of, powers
from restore.propagation.confidence import with_visible
from restore.restored import Restored
from restore.tensors import to_float

# Logits of a frame being blurred up to which it comes out as it is, and from which all is done: hardly a clip to train
# on is above the first as it is.
SHARP, BLURRED = 2.0, 3.0
# Of the frequencies that the blur has removed a blurred place still has a share of its variance, and some squared
# levels of noise; all is done up to that, and nothing from so many times of it.
LEFT, LEFT_NOISE, SHARPER = 0.003, 3.3, 3.0
# px, as blurs are: the sides of what that and the variance are averaged over, how far from there nothing is done, as it
# would ring, and the side that the share is smoothed over.
SEEN, VARIES, RINGS_OVER, SMOOTH = 5, 9, 20, 13
FLAT = 9  # px; a side of what is of one colour
NEAR = 9  # px; a side of what an error is averaged over, as `training.losses.AROUND`
ROWS = 512  # computed at a time
MARGIN = REACH + VARIES // 2 + RINGS_OVER + SMOOTH // 2 + NEAR // 2  # rows that those depend on, to each side


def sharpened(restored: Iterable[Restored]) -> Iterator[Restored]:
    """Restored frames whose `estimate` says that they are blurred, sharpened, hidden pixels, too."""
    for one in restored:
        share = how_much(one.estimate)
        undo = _undoing(one, share) if share > 0 else None
        yield one if undo is None else _sharpened(one, *undo)


def how_much(estimate: tuple[float, float, float] | None) -> float:
    """How much of a deconvolution is done to a frame, in [0, 1], by its `Restored.estimate`.

    >>> [how_much(estimate) for estimate in (None, (0.0, 0.99, 0.0), (5.0, 0.99, 0.0), (0.0, 0.5, 0.0))]
    [0.0, 1.0, 0.0, 0.0]
    """
    if estimate is None or not np.isfinite(estimate[:2]).all():
        return 0.0
    noise, probability = estimate[:2]
    blurred = likely_blurred(math.log(max(probability, 1e-9) / max(1 - probability, 1e-9)))
    return blurred * (1 - noisy_frame(noise))


def likely_blurred(logit: float) -> float:
    """How much is done to a frame with this logit of a blur, in [0, 1]."""
    return min(max((logit - SHARP) / (BLURRED - SHARP), 0.0), 1.0)


def _undoing(one: Restored, share: float) -> tuple[Deconvolution, float] | None:
    """What undoes the blur of a frame, and how much of that is done; None if nothing is."""
    picture, hidden = _usable(one.frame)
    windows = powers(picture, hidden)
    rings = in_rings(*windows)
    share = min(share, likely_blurred(float(logit_of(rings))))
    if share == 0:
        return None
    everywhere = at_frequencies(*windows)[0].numpy()
    paths = likely_paths(everywhere)
    if paths:  # which is surer than that it is blurred at all
        assert one.estimate is not None
        return deconvolution_along(everywhere, paths), how_much((one.estimate[0], 1.0, 0.0))
    return deconvolution(rings[0].numpy(), likely(rings[0].numpy())), share


def without_blur(image: np.ndarray, undo: Deconvolution) -> np.ndarray:
    """A blurred picture, uint8 `H W 3`, sharpened where a blurred scene explains it: float32 `H W 3` in levels."""
    levels = image.astype(np.float32)
    sharp = _filtered(levels, undo.sharpen)
    share = cv2.erode(_blurred(levels.mean(-1), undo), np.ones((2 * RINGS_OVER + 1, 2 * RINGS_OVER + 1), np.uint8))
    return levels + (blur(share, SMOOTH) * _varied(image))[..., None] * (sharp - levels)


def _sharpened(one: Restored, undo: Deconvolution, share: float) -> Restored:
    image, error = np.empty_like(one.image), np.empty(one.image.shape[:2], np.float32)
    height = len(image)
    for top in range(0, height, ROWS):  # as a large picture's numbers take a large room
        start, own = max(0, top - MARGIN), slice(top, min(top + ROWS, height))
        part, inside = one.image[start : own.stop + MARGIN], slice(top - start, own.stop - start)
        correction = share * (without_blur(part, undo) - part)
        image[own] = np.rint(np.clip(part + correction, 0, 255))[inside]
        error[own] = np.sqrt(np.maximum(blur(np.square(correction).mean(-1), NEAR), 0))[inside]
    changed = (image != one.image).any(-1).astype(np.float32)
    certain = with_visible(one.confidence, one.mask, log_level(torch.from_numpy(error)).numpy(), changed)
    assert one.estimate is not None
    noise, probability, corrected = one.estimate
    return replace(one, image=image, confidence=certain, estimate=(noise, probability, max(corrected, share)))


def _blurred(grey: np.ndarray, undo: Deconvolution) -> np.ndarray:
    """How far each place of a picture, `H W` in levels, is as blurred as that, in [0, 1]."""
    sharp = blur(np.square(_filtered(grey, undo.removed)), SEEN)
    variance = np.maximum(blur(np.square(grey), VARIES) - np.square(blur(grey, VARIES)), 0)
    return np.clip((SHARPER - sharp / (LEFT * variance + LEFT_NOISE)) / (SHARPER - 1), 0, 1)


def _usable(frame: Frame) -> tuple[Tensor, Tensor]:
    """A degraded frame, `1 3 H W` in [-1, 1], and what of it tells nothing of a blur, bool `1 1 H W`: what is hidden or
    of one colour, next to which what has been drawn, as bars are, is sharp.
    """
    hidden = frame.hidden | ~_varied(frame.image)
    return to_float(frame.image[None]), torch.from_numpy(hidden)[None, None]


def _varied(image: np.ndarray) -> np.ndarray:
    """bool `H W`: what is not all of one colour, as black bars and what is overexposed are, which have no blur."""
    gradient = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((FLAT, FLAT), np.uint8))
    return np.asarray(gradient.any(-1))


def _filtered(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
