"""Synthetic scenes whose truth is known: smooth random textures that stand still, move, and hide behind boxes."""

import cv2
import numpy as np

from restore.propagation.engine import Tracked, track

GREY = 128  # level of the boxes


def texture(height: int, width: int, seed: int = 0, scale: int = 6) -> np.ndarray:
    """A smooth random colour picture, uint8 `H W 3`; its details are about `scale` pixels large."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // scale + 2, width // scale + 2, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def still(frames: int, height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """`T H W 3`, the same picture again and again."""
    return texture(height, width, seed)[None].repeat(frames, 0)


def pan(frames: int, step: tuple[int, int], height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    """`T H W 3`: a camera that goes `step` (rows, columns; whole pixels, not negative) a frame over a texture."""
    big = texture(height + step[0] * frames, width + step[1] * frames, seed)
    return np.stack([big[step[0] * t : step[0] * t + height, step[1] * t : step[1] * t + width] for t in range(frames)])


def noisy(clip: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, clip.shape)
    return np.clip(clip + noise, 0, 255).round().astype(np.uint8)


def box(
    frames: int, height: int, width: int, start: tuple[int, int], step: tuple[int, int] = (0, 0), side: int = 12
) -> np.ndarray:
    """The mask of a square that goes `step` (rows, columns) a frame: float32 `T H W`, 1 where it hides the picture."""
    mask = np.zeros((frames, height, width), np.float32)
    for t in range(frames):
        top, left = start[0] + step[0] * t, start[1] + step[1] * t
        mask[t, top : top + side, left : left + side] = 1
    return mask


def behind(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The clip with its hidden pixels grey."""
    return np.where(mask[..., None] > 0, np.uint8(GREY), clip)


def tracked(clip: np.ndarray, mask: np.ndarray) -> list[Tracked]:
    frames: list[Tracked] = []
    for image, hidden in zip(clip, mask, strict=True):
        frames.append(track(image, hidden, frames[-1] if frames else None))
    return frames
