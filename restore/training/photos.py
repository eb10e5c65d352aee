"""Photographs as windows of video: a synthetic camera pans, zooms, turns and shakes before one, and for a share a piece
of another moves in front of it. There are far more scenes in photographs than in any folder of clips.

The shutter stays open for a part of each frame: what is recorded then has the blur of the motion, of the camera and of
what moves in front, and the same instant with a short exposure is what there is to restore.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restore.errors import DataError

STATIC_SHARE = 0.2  # share of the windows before which the camera does not move
FRONT_SHARE = 0.4  # share that something moves in front of
OPEN_SHARE = 0.35  # share whose shutter is open for a noticeable part of the frame
EXPOSURES = 5  # instants that an open shutter's picture is averaged from
# Lengths are shares of the window's shorter side, a frame.
SPEEDS = 0.003, 0.012, 0.03  # of pans; one is drawn
SHAKES = 0.0, 0.002, 0.006  # deviation of a hand's shake
FRONT_SPEEDS = 0.004, 0.012, 0.03
SIDES = 0.25, 0.7  # least and greatest side of what is in front
CORNERS = 7  # of its outline


@dataclass(frozen=True)
class Shot:
    """A window of one photograph: `sharp` and `recorded`, uint8 `T H W 3`; the same where the shutter is short."""

    sharp: np.ndarray
    recorded: np.ndarray


def read_photo(path: Path) -> np.ndarray:
    """uint8 `H W 3`, RGB.

    Raises:
        DataError: it cannot be read.
    """
    content = np.frombuffer(path.read_bytes(), np.uint8)
    photo = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if content.size else None
    if photo is None:
        raise DataError(f"cannot be read as a photograph; expected an image that OpenCV reads: {path}")
    return photo


def shoot(
    photo: np.ndarray,
    *,
    frames: int,
    size: tuple[int, int],
    rng: np.random.Generator,
    other: Callable[[], np.ndarray],
) -> Shot:
    """Film a photograph.

    Args:
        photo: uint8 `h w 3`.
        frames: T.
        size: rows and columns of the window.
        rng: draws everything; the same state films alike.
        other: another photograph, of which a piece moves in front; called only where one does.

    >>> photo = np.zeros((64, 96, 3), np.uint8)
    >>> shoot(photo, frames=3, size=(32, 48), rng=np.random.default_rng(0), other=lambda: photo).sharp.shape
    (3, 32, 48, 3)
    """
    short = min(size)
    view = rng.uniform(0.45, 1.0)  # share of the photograph that the window sees
    scale = max(size[0] / photo.shape[0], size[1] / photo.shape[1]) / view
    # At the window's own scale, so that what follows neither aliases nor blurs.
    scene = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    camera = _path(frames, short, rng, static=rng.random() < STATIC_SHARE)
    room = np.maximum(np.array(scene.shape[1::-1]) - size[::-1], 0) / 2
    centre = np.array(scene.shape[1::-1]) / 2 + rng.uniform(-1, 1, 2) * room
    front = _piece(other(), short, rng) if rng.random() < FRONT_SHARE else None
    start, speed = rng.uniform(0, 1, 2) * size[::-1], rng.normal(size=2) * rng.choice(FRONT_SPEEDS) * short

    def instant(time: float) -> np.ndarray:
        """What the window sees at a time in frames, float32 `H W 3`."""
        x, y, turn, zoom = camera(time)
        cosine, sine = zoom * math.cos(turn), zoom * math.sin(turn)
        rotation = np.array([[cosine, -sine], [sine, cosine]])
        corner = centre + (x, y) - rotation @ np.array(size[::-1]) / 2
        picture = _sampled(scene, np.column_stack([rotation, corner]), size, cv2.BORDER_REFLECT_101)
        if front is None:
            return picture
        moved = np.column_stack([np.eye(2), np.array(front.shape[1::-1]) / 2 - start - speed * time])
        piece = _sampled(front, moved, size, cv2.BORDER_CONSTANT)
        alpha = np.clip(piece[..., 3:] / 255, 0, 1)
        return picture + alpha * (piece[..., :3] - picture)

    open_for = rng.uniform(0.2, 1.0) if rng.random() < OPEN_SHARE else 0.0
    sharp = _levels([instant(t + open_for / 2) for t in range(frames)])
    if not open_for:
        return Shot(sharp, sharp)
    parts = (np.arange(EXPOSURES) + 0.5) / EXPOSURES * open_for
    return Shot(sharp, _levels([np.mean([instant(t + part) for part in parts], axis=0) for t in range(frames)]))


def _path(
    frames: int, short: int, rng: np.random.Generator, *, static: bool
) -> Callable[[float], tuple[float, float, float, float]]:
    """Where the camera is at a time in frames: x and y in px, its angle, and source pixels a pixel of the window."""
    if static:
        turn = rng.normal() * 0.1
        return lambda time: (0.0, 0.0, turn, 1.0)
    pan = rng.normal(size=2) * rng.choice(SPEEDS) * short
    shake = rng.normal(size=(frames + 2, 2)) * rng.choice(SHAKES) * short
    shake += 0.5 * np.cumsum(shake, 0)
    turn, turning = rng.normal() * 0.1, rng.normal() * 0.008 * (rng.random() < 0.4)
    zooming = rng.normal() * 0.006

    def at(time: float) -> tuple[float, float, float, float]:
        index, part = int(time), time % 1
        x, y = pan * (time - frames / 2) + (1 - part) * shake[index] + part * shake[index + 1]
        return float(x), float(y), turn + turning * time, math.exp(zooming * (time - frames / 2))

    return at


def _piece(photo: np.ndarray, short: int, rng: np.random.Generator) -> np.ndarray:
    """A piece of a photograph with a crooked outline, uint8 `h w 4`; the last channel is its alpha matte."""
    scale = rng.uniform(*SIDES) * short / min(photo.shape[:2])
    piece = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    reach = rng.uniform(0.25, 0.48, CORNERS)[:, None] * piece.shape[1::-1]
    corners = np.array(piece.shape[1::-1]) / 2 + reach * np.column_stack([np.cos(angles), np.sin(angles)])
    alpha = np.zeros(piece.shape[:2], np.uint8)
    cv2.fillPoly(alpha, [np.rint(corners).astype(np.int32)], (255,), cv2.LINE_AA)
    return np.dstack([piece, cv2.GaussianBlur(alpha, (0, 0), 0.8)])


def _sampled(picture: np.ndarray, there: np.ndarray, size: tuple[int, int], border: int) -> np.ndarray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, there, size[::-1], flags=flags, borderMode=border).astype(np.float32)


def _levels(pictures: list[np.ndarray]) -> np.ndarray:
    return np.clip(np.rint(np.stack(pictures)), 0, 255).astype(np.uint8)
