"""How certain each pixel is: uint8 `H W`, 255 times the probability that it is within `CLOSE` levels of the scene.

Three logistic regressions give it, each monotone in what it reads: of a copy, how many frames it is averaged from, how
recent the last of them is, and how well past and future agree; of what no frame saw, how far it is from what one did;
of both, how much contrast they were restored with; of what is visible, the error of the frame that the generator
estimates. `benchmarks/confidence.py` fits them, and tests them on other scenes.
"""

import math
from dataclasses import replace

import cv2
import numpy as np

from restore.arrays import blur
from restore.frame import Frame
from restore.propagation.memory import Memory
from restore.propagation.provenance import COPIED
from restore.restored import Restored

CLOSE = 8.0  # levels of 255, of the mean of the channels' absolute errors
# The weights of the features, as fitted; the last of what is hidden is that of its contrast.
OF_COPIES = np.array([4.104, 1.115, -0.230, 1.177, -0.615, -2.111])
OF_FILLED = np.array([4.354, -1.036, -1.762])
OF_VISIBLE = np.array([4.802, -0.748])
HEIGHT = 240  # px of a picture's height that distances are counted in
AROUND = 4 / 320  # of the width, to each side of a pixel: what its contrast is of. All was fitted at 320
MOST_CONTRAST = 12.0  # levels; more makes no difference to how often it is right
FARTHEST = 1e6  # px; where no frame saw any of the picture


def copy_features(past: Memory, future: Memory, where: np.ndarray) -> np.ndarray:
    """What tells how certain copies are, `N 5`.

    Args:
        past, future: the memories of the two sweeps.
        where: bool `H W`, the N pixels; at least one of the two knows each.
    """
    saw = [memory.known[where] for memory in (past, future)]
    count = sum(memory.count[where] * seen for memory, seen in zip((past, future), saw, strict=True))
    ages = (np.where(seen, memory.age[where], np.inf) for memory, seen in zip((past, future), saw, strict=True))
    both = saw[0] & saw[1]
    differ = np.where(both, np.abs(past.colour[where] - future.colour[where]).mean(-1), 0)
    recent = np.log(np.maximum(np.minimum(*ages), 1))
    return np.stack([np.ones(len(both)), np.log1p(count), recent, both, np.log1p(differ)], 1)


def fill_features(unseen: np.ndarray) -> np.ndarray:
    """What tells how certain it is what no frame saw, `N 2`: the distance to the nearest pixel that one did.

    Args:
        unseen: bool `H W`, the N pixels.
    """
    distance = cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_L2, 3)[unseen]
    distance = np.minimum(distance, FARTHEST) * HEIGHT / len(unseen)
    return np.stack([np.ones(len(distance)), np.log(distance)], 1)


def contrast_feature(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """What tells how much there is at hidden pixels that may be wrong or in a wrong place, `N`: the logarithm of the
    standard deviation of luma around each. What comes out smooth is rarely far off.

    Args:
        image: as restored, uint8 `H W 3`.
        hidden: bool `H W`, the N pixels.

    >>> smooth, there = np.full((6, 6, 3), 90, np.uint8), np.ones((6, 6), bool)
    >>> contrast_feature(smooth, there).max().item(), contrast_feature(smooth * np.uint8(0), ~there).shape
    (0.0, (0,))
    """
    radius = max(1, round(AROUND * image.shape[1]))
    x, y, width, height = cv2.boundingRect(hidden.astype(np.uint8))
    part = np.s_[max(0, y - radius) : y + height + radius, max(0, x - radius) : x + width + radius]
    luma = cv2.cvtColor(image[part], cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = blur(luma, 2 * radius + 1)
    deviation = np.sqrt(np.maximum(blur(luma * luma, 2 * radius + 1) - mean * mean, 0)[hidden[part]])
    return np.log1p(np.minimum(deviation, MOST_CONTRAST))


def visible_features(log_level: np.ndarray) -> np.ndarray:
    """What tells how certain visible pixels are, `N 2`, from the `log_level` of the estimated errors of N pixels."""
    return np.stack([np.ones(len(log_level)), log_level], 1)


def certainty(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The probability, of features `N F` and weights `F`, as uint8 `N`.

    >>> certainty(np.array([[1.0, 0.0], [1.0, 4.0], [1.0, -1e9]]), np.array([0.0, 1.0])).tolist()
    [128, 250, 0]
    """
    return np.rint(255 / (1 + np.exp(-np.clip(features @ weights, -50, 50)))).astype(np.uint8)


def with_visible(certain: np.ndarray, hidden: np.ndarray, log_level: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """The confidence of a frame, once its visible pixels were restored: those that came out as they are remain certain.

    Args:
        certain: the confidence before, uint8 `H W`.
        hidden: bool `H W`.
        log_level, gate: of a `models.generator.Estimate`, `H W`.
    """
    changed = ~hidden & (gate > 0)
    if not changed.any():
        return certain
    certain = certain.copy()
    certain[changed] = certainty(visible_features(log_level[changed]), OF_VISIBLE)
    return certain


def with_filtered(certain: np.ndarray, hidden: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """The confidence of a frame, once its noise was filtered: only what came out as it is remains certain.

    Args:
        certain: the confidence before, uint8 `H W`.
        hidden, changed: bool `H W`, what is hidden, and what is not as it was.
    """
    certain = certain.copy()
    certain[changed & ~hidden & (certain == 255)] = 254
    return certain


def agreement(spread: np.ndarray) -> np.ndarray:
    """Confidence in what several draws differ about: the probability that a normal error of this deviation is close.

    Args:
        spread: standard deviation in levels, any shape.

    Returns:
        uint8, the same shape.

    >>> agreement(np.array([0.0, 8.0, 80.0])).tolist()
    [255, 174, 20]
    """
    close = [math.erf(x) for x in (CLOSE / math.sqrt(2) / np.maximum(spread, 1e-3)).ravel()]
    return np.rint(255 * np.reshape(close, spread.shape)).astype(np.uint8)


def mask_odds(frame: Frame) -> np.ndarray:
    """The log odds of the hidden pixels of a frame that is restored from itself alone: as in `Restored`."""
    if not frame.has_hidden:
        return np.empty(0, np.float32)
    return (fill_features(frame.hidden) @ OF_FILLED[:-1]).astype(np.float32)


def with_hidden(restored: Restored) -> Restored:
    """The same with the confidence of its hidden pixels, once they are restored.

    >>> frame = Frame(np.zeros((1, 4, 3), np.uint8), mask=np.array([[0, 0.1, 0.9, 1]], np.float32))
    >>> visible = np.full((1, 4), 255, np.uint8)
    >>> one = Restored(frame, frame.image, np.zeros((1, 4), np.uint8), visible, odds=mask_odds(frame))
    >>> (with_hidden(one).confidence == 255).tolist()
    [[True, True, False, False]]
    """
    hidden = restored.mask
    if restored.odds is None or not restored.frame.has_hidden:
        return restored
    weights = np.where(restored.provenance[hidden] == COPIED, OF_COPIES[-1], OF_FILLED[-1])
    odds = restored.odds + weights * contrast_feature(restored.image, hidden)
    certain = restored.confidence.copy()
    certain[hidden] = certainty(odds[:, None], np.ones(1))
    return replace(restored, confidence=certain, odds=None)
