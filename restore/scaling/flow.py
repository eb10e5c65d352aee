"""Motion between neighbouring frames at full resolution: DIS (Kroeger et al. 2016) down to single pixels.

What lies between pixels must be found to less than a pixel: the clean large frames of `clips/val`, warped along this
flow of the small ones, are 2.5 dB closer to the next than along a flow at half resolution (`benchmarks.scale --flow`),
which restoring makes do with.
"""

import cv2
import numpy as np

SMALLEST = 16  # px; on a smaller picture no patch of DIS, which has one size, fits


def full_flow(now: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where the pixels of one frame lie in another.

    Args:
        now, other: uint8 `H W 3`, RGB.

    Returns:
        float32 `H W 2`, (x, y) in px; zeros between frames of less than 16 px a side. 40 ms at 320x240.

    >>> full_flow(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30, 3), np.uint8)).shape
    (20, 30, 2)
    """
    if min(now.shape[:2]) < SMALLEST:
        return np.zeros((*now.shape[:2], 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    dis.setVariationalRefinementIterations(0)
    lumas = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (now, other))
    return dis.calc(*lumas, None)  # type: ignore[call-overload]
