"""Motion between neighbouring frames, good enough to copy pixels along: OpenCV's DIS (Kroeger et al. 2016).

What hides the scene does not move with it, so a flow vector that starts or ends in a hidden pixel says nothing about
the scene; such vectors are replaced by a smooth completion of those around them. What the camera does is taken out
before and put back after (`camera.py`), so that only what moves besides is completed.

Flow is computed at half resolution: that averages noise out before DIS takes it for motion, finds longer motions, and
costs less (`benchmarks/README.md`).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from restore.propagation.camera import STANDING, camera_motion, follow_camera
from restore.propagation.fill import fill_from_around

STILL = 0.3  # px; shorter vectors are noise on a still scene, and taking them as zero spares a resampling
TOLERANCE = 32.0  # px^2; how far there-and-back may miss before a vector is doubted
SAME_SCENE = 0.5  # correlation of two thumbnails below which a cut lies between them


@dataclass(frozen=True)
class Motion:
    """How a frame and the one before it correspond.

    Attributes:
        to_previous: float32 `H W 2`, where each pixel of this frame lies in the previous one, (x, y) in pixels.
        from_previous: float32 `H W 2`, where each pixel of the previous frame lies in this one.
        trust: float32 `H W` in [0, 1], how far `to_previous` is to be believed; 0 everywhere across a scene cut.
        trust_back: the same for `from_previous`.
    """

    to_previous: np.ndarray
    from_previous: np.ndarray
    trust: np.ndarray
    trust_back: np.ndarray


def trackable(frame: np.ndarray) -> np.ndarray:
    """The picture that flow is computed on: luma at half resolution, uint8 `H/2 W/2`.

    Args:
        frame: uint8 `H W 3`, RGB in [0, 255].
    """
    luma = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    return cv2.resize(luma, _half(frame.shape), interpolation=cv2.INTER_AREA)


def motion(now: np.ndarray, previous: np.ndarray, hidden: np.ndarray) -> Motion:
    """The motion between two neighbouring frames.

    Args:
        now, previous: uint8 `H/2 W/2`, from `trackable`.
        hidden: bool `H W`, hidden in either frame.
    """
    height, width = hidden.shape
    hidden = _near(hidden, now.shape[::-1])
    # What moves as a whole is taken out first: what is then filled alike stands still, as the scene around it does.
    camera = camera_motion(now, previous, hidden)
    previous = follow_camera(previous, camera)
    hidden = hidden | (follow_camera(hidden.astype(np.float32), camera) > 0)
    if hidden.any():
        # Both are filled where either is hidden: from the same surroundings, so that what is still looks still.
        now, previous = (
            np.clip(fill_from_around(x.astype(np.float32), ~hidden), 0, 255).astype(np.uint8) for x in (now, previous)
        )
    if min(now.shape) < 16 or is_cut(now, previous):  # 16: smaller than a patch of DIS
        still, unknown = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32)
        return Motion(still, still, unknown, unknown)
    there, back = _flow(now, previous, hidden), _flow(previous, now, hidden)
    there, back = _with_camera(there, back, camera)
    there, back = (_full(flow, width, height) for flow in (there, back))
    return Motion(there, back, _trust(there, back), _trust(back, there))


def is_cut(now: np.ndarray, previous: np.ndarray) -> bool:
    """Whether two frames (uint8 `H W`) show different scenes: thumbnails that do not correlate.

    >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    >>> is_cut(ramp, ramp), is_cut(ramp, ramp[:, ::-1].copy())
    (False, True)
    """
    a, b = (cv2.resize(x, (16, 12), interpolation=cv2.INTER_AREA).astype(np.float32) for x in (now, previous))
    a, b = a - a.mean(), b - b.mean()
    # The constant keeps two nearly flat pictures, whose correlation is that of their noise, from being called a cut.
    noise = 4.0 * a.size
    return bool(
        ((a * b).sum() + noise) / np.sqrt((np.square(a).sum() + noise) * (np.square(b).sum() + noise)) < SAME_SCENE
    )


def follow(picture: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Sample `picture` (`H W` or `H W C`, up to 4 channels) where `flow` points; zero outside the picture."""
    there = _grid(*flow.shape[:2]) + flow
    # Both coordinates are in the first map; OpenCV's stubs do not know that the second may be None.
    return cv2.remap(  # type: ignore[call-overload]
        picture, there, None, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )


def _flow(source: np.ndarray, target: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(source, target, None)  # type: ignore[call-overload]
    if not hidden.any():
        return flow
    reached = cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8))  # a patch of DIS reaches this far
    return fill_from_around(flow, reached == 0)


def _with_camera(there: np.ndarray, back: np.ndarray, camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flows between a frame and the previous one seen from where it was taken => between the two as they are."""
    if camera is STANDING:
        return there, back
    grid = _grid(*there.shape[:2])
    away = cv2.invertAffineTransform(camera)
    there = cv2.transform(grid + there, camera) - grid
    back = follow_camera(back, away) + cv2.transform(grid, away) - grid
    return there, back


def _full(flow: np.ndarray, width: int, height: int) -> np.ndarray:
    """A flow at half resolution => at full; what is too short to be motion becomes zero."""
    x, y = _planes(flow)
    x *= width / flow.shape[1]
    y *= height / flow.shape[0]
    moving = (np.abs(x) >= STILL) | (np.abs(y) >= STILL)
    return cv2.resize(cv2.merge([x * moving, y * moving]), (width, height), interpolation=cv2.INTER_LINEAR)


def _trust(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """There and back again must end where it started (Sundaram et al. 2010), as a soft weight; 0 out of the picture."""
    height, width = flow.shape[:2]
    x, y = _planes(_grid(height, width) + flow)
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    x, y = _planes(flow + follow(flow_back, flow))
    return np.exp(-(x**2 + y**2) / TOLERANCE) * inside


def _near(hidden: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`hidden` at another size (width, height), grown by a pixel there."""
    small = (cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    return cv2.dilate(small, np.ones((3, 3), np.uint8)).astype(bool)


def _planes(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of `H W 2`, each `H W`; `cv2.split` takes three times as long."""
    return cv2.extractChannel(flow, 0), cv2.extractChannel(flow, 1)


def _half(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[1] + 1) // 2, (shape[0] + 1) // 2


@cache
def _grid(height: int, width: int) -> np.ndarray:
    """The coordinates (x, y) of each pixel, float32 `H W 2`."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
