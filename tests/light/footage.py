"""Dark footage: a photograph with a tenth of its light."""

import cv2
import numpy as np
from skimage import data

from restore.frame import Frame
from restore.light.curve import GAMMA

UNHIDDEN = np.zeros((96, 128), np.float32)


def coffee() -> np.ndarray:
    """A well-lit photograph, uint8 `96 128 3`: coffee on a table, with highlights."""
    return cv2.resize(data.coffee(), (128, 96), interpolation=cv2.INTER_AREA)


def portrait() -> np.ndarray:
    """Another, of an astronaut."""
    return cv2.resize(data.astronaut()[:384], (128, 96), interpolation=cv2.INTER_AREA)


def dark(picture: np.ndarray, light: float, seed: int | None = None) -> np.ndarray:
    """A picture with a share of its light, uint8; with a seed, with noise."""
    linear = (picture / 255.0) ** GAMMA * light
    if seed is not None:
        linear = linear + np.random.default_rng(seed).normal(size=linear.shape) * np.sqrt(linear * 2e-4 + 1e-6)
    return np.rint(255 * linear.clip(0, 1) ** (1 / GAMMA)).astype(np.uint8)


def frames(pictures: list[np.ndarray]) -> list[Frame]:
    """Nothing hides them."""
    return [Frame(picture, pts, mask=UNHIDDEN) for pts, picture in enumerate(pictures)]
