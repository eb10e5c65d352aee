"""Parts of a mask that lie close to each other, taken as one."""

import cv2
import numpy as np

Box = tuple[int, int, int, int]  # left, top, right, bottom in px; right and bottom lie outside it


def joined(mask: np.ndarray, distance: float) -> tuple[np.ndarray, list[Box]]:
    """Number the things in a mask: its connected components, of which those up to about `distance` px apart are one.

    Args:
        mask: bool `H W`.

    Returns:
        int32 `H W`, 0 where nothing is near, else the number of the thing that is near; the box around each thing's own
        pixels, the first of which, thing 0, is nothing.

    >>> mask = np.zeros((20, 60), bool)
    >>> mask[5:10, 5:10] = mask[5:10, 14:20] = mask[5:10, 50:55] = True  # gaps of 4 and 30 px
    >>> numbers, boxes = joined(mask, 6)
    >>> numbers[7, [5, 14, 30, 50]].tolist(), boxes[1:]
    ([1, 1, 0, 2], [(5, 5, 20, 10), (50, 5, 55, 10)])
    """
    reach = max(1, round(distance / 2))  # of both parts, half of the way each
    # Grown within a margin, so that the box around a grown part is the part's own box, `reach` larger on each side.
    margin = cv2.copyMakeBorder(mask.astype(np.uint8), reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    grown = cv2.dilate(margin, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    _, numbers, around, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    boxes = [(x, y, x + width - 2 * reach, y + height - 2 * reach) for x, y, width, height, _ in around.tolist()]
    return numbers[reach:-reach, reach:-reach], boxes
