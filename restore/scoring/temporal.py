"""Temporal error: how much a restored video flickers (the warping error of Lai et al., "Learning Blind Video Temporal
Consistency", 2018).

A restored frame, moved along the optical flow of the clean clip, should look like the next restored frame. Flow is
OpenCV's DIS (Kroeger et al., 2016) on the clean frames, so that a restoration cannot score well by confusing the flow;
pixels whose flow forward and back does not return (occluded, out of the picture) do not count.
"""

from collections.abc import Iterable

import cv2
import numpy as np


def temporal_error(restored: Iterable[np.ndarray], original: Iterable[np.ndarray]) -> float | None:
    """Mean over the pairs of neighbouring frames of `warping_error`; None where no pair has a pixel to compare.

    Args:
        restored, original: as many frames, uint8 `H W 3`, RGB in [0, 255]. Two frames of each are held at a time.

    >>> still = [np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)] * 3
    >>> temporal_error(still, still)
    0.0
    """
    errors = []
    previous: tuple[np.ndarray, np.ndarray] | None = None
    for pair in zip(restored, original, strict=True):
        if previous is not None:
            errors.append(warping_error(previous[0], pair[0], *backward_flow(previous[1], pair[1])))
        previous = pair
    known = [error for error in errors if error is not None]
    return float(np.mean(known)) if known else None


def warping_error(previous: np.ndarray, current: np.ndarray, flow: np.ndarray, valid: np.ndarray) -> float | None:
    """Mean squared difference of the current frame and the previous one moved along `flow`, in 1e-3 of [0, 1]^2.

    Args:
        previous, current: uint8 `H W 3`, RGB in [0, 255].
        flow, valid: from `backward_flow` of the clean frames.

    Returns:
        The error, or None where no pixel is valid.
    """
    if not valid.any():
        return None
    x, y = _targets(flow)
    moved = cv2.remap(previous.astype(np.float32), x, y, cv2.INTER_LINEAR)
    return 1e3 * float(np.square((moved - current) / 255)[valid].mean(dtype=np.float64))


def backward_flow(previous: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the current clean frame was in the previous one.

    Args:
        previous, current: uint8 `H W 3`, RGB in [0, 255].

    Returns:
        Flow float32 `H W 2`, (x, y) in pixels, and valid bool `H W`: there and back misses by less than 1 pixel.
        Nothing is valid in pictures too small for DIS.
    """
    height, width = current.shape[:2]
    if max(height, width) < 12:  # DIS refuses these
        return np.zeros((height, width, 2), np.float32), np.zeros((height, width), bool)
    before, now = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (previous, current))
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # The stubs do not know that None stands for "no initial flow".
    flow = dis.calc(now, before, None)  # type: ignore[call-overload]
    forward = dis.calc(before, now, None)  # type: ignore[call-overload]

    x, y = _targets(flow)
    miss = np.abs(flow + cv2.remap(forward, x, y, cv2.INTER_LINEAR)).sum(-1)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return flow, (miss < 1) & inside


def _targets(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows, float32 `H W` each, that the flow points at."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]
