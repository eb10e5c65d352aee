"""Synthetic footage whose truth is known: smooth random textures, at rest and in motion, and boxes before them."""

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from skimage import data

from restore.frame import Frame
from restore.propagation.camera import STATIC
from restore.propagation.confidence import with_hidden
from restore.propagation.engine import Propagation
from restore.propagation.evidence import Evidence
from restore.propagation.flow import Flow, Motion
from restore.restored import Restored, certain

GREY = 128  # level of the boxes


def texture(height: int, width: int, seed: int = 0, scale: int = 6) -> np.ndarray:
    """A smooth random colour picture, uint8 `H W 3`; its details are about `scale` pixels large."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // scale + 2, width // scale + 2, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def at_rest(frames: int, height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """`T H W 3`, the same picture again and again."""
    return texture(height, width, seed)[None].repeat(frames, 0)


def pan(frames: int, step: tuple[int, int], height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    """`T H W 3`: a camera that goes `step` (rows, columns; whole pixels, not negative) a frame over a texture."""
    big = texture(height + step[0] * frames, width + step[1] * frames, seed)
    return np.stack([big[step[0] * t : step[0] * t + height, step[1] * t : step[1] * t + width] for t in range(frames)])


@lru_cache
def photograph() -> np.ndarray:
    """A portrait, uint8 `1024 1024 3`, blurred so that it can be sampled at a quarter of its resolution."""
    return cv2.GaussianBlur(cv2.resize(data.astronaut(), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), (0, 0), 2.0)


def camera(
    frames: int, x: float = 0, y: float = 0, *, zoom: float = 0, roll: float = 0, height: int = 96, width: int = 128
) -> np.ndarray:
    """`T H W 3`: a photograph, each frame sampled anew, by a camera that goes (x, y) px a frame, and zooms (share a
    frame) and rolls (degrees a frame) about its middle.
    """
    photo, clip = photograph(), []
    middle = np.array(photo.shape[1::-1]) / 2
    for t in np.arange(frames) - frames / 2:
        angle, scale = np.deg2rad(roll * t), 4 / (1 + zoom) ** t
        matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = middle + 4 * np.array([x, y]) * t - matrix @ (np.array([width, height]) / 2)
        there = np.concatenate([matrix, offset[:, None]], 1)
        clip.append(cv2.warpAffine(photo, there, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
    return np.stack(clip)


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


def covered(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The clip with its hidden pixels grey."""
    return np.where(mask[..., None] > 0, np.uint8(GREY), clip)


def frames_of(clip: np.ndarray, mask: np.ndarray, scenes: Iterable[int] | None = None) -> list[Frame]:
    """Records of a clip, uint8 `T H W 3`, and its mask, `T H W`, all of one scene unless `scenes` says otherwise."""
    scenes = [0] * len(clip) if scenes is None else scenes
    return [
        Frame(image, mask=np.asarray(hidden, np.float32), scene=scene)
        for image, hidden, scene in zip(clip, mask, scenes, strict=True)
    ]


def propagated(clip: np.ndarray, mask: np.ndarray, scenes: Iterable[int] | None = None) -> list[Evidence]:
    propagation = Propagation(*clip.shape[1:3])
    ready: list[Evidence] = []
    for frame in frames_of(clip, mask, scenes):
        ready += propagation.push(frame)
    return [*ready, *propagation.flush()]


def bases(evidence: Iterable[Evidence]) -> np.ndarray:
    """float32 `T H W 3`."""
    return np.stack([one.base() for one in evidence])


def uniform_flow(height: int, width: int, x: float = 0, y: float = 0, consistency: float = 1) -> Flow:
    """One vector everywhere, for a picture of `height` and `width`."""
    half = (height + 1) // 2, (width + 1) // 2
    return Flow(np.full((*half, 2), (x, y), np.float32), np.full(half, consistency, np.float32), not (x or y))


def uniform_motion(height: int, width: int, x: float = 0, y: float = 0, consistency: float = 1) -> Motion:
    """Of a scene that goes (x, y) px a frame."""
    backward, forward = (uniform_flow(height, width, way * x, way * y, consistency) for way in (-1, 1))
    return Motion(backward, forward, STATIC)


def psnr(error: np.ndarray) -> float:
    """Of differences of levels, in dB."""
    return float(10 * np.log10(255**2 / max(1e-10, float(np.square(error, dtype=np.float64).mean()))))


def nothing_hidden(clip: np.ndarray) -> np.ndarray:
    return np.zeros(clip.shape[:3], np.float32)


def confidence(evidence: Evidence) -> np.ndarray:
    """uint8 `H W`, of the frame restored to its base."""
    frame, base = evidence.frame, np.rint(evidence.base()).clip(0, 255).astype(np.uint8)
    restored = Restored(frame, base, evidence.provenance, certain(frame), odds=evidence.odds)
    return with_hidden(restored).confidence
