"""The parts of a picture that a network has to compute where only some of its pixels may change."""

import cv2
import numpy as np
import torch.nn.functional as F
from torch import Tensor

Crop = tuple[slice, slice]  # rows, columns


def crops(wanted: Tensor, multiple: int, margin: int) -> list[Crop]:
    """Rectangles that do not overlap and hold all wanted pixels of a batch of pictures, with a margin around them.

    Args:
        wanted: `B 1 H W`, 1 or True where a pixel is wanted; H and W are multiples of `multiple`.
        multiple: of pixels that the rectangles' sides and places are.
        margin: pixels around each that is wanted, at least, within the picture.

    >>> import torch
    >>> wanted = torch.zeros(1, 1, 64, 96)
    >>> wanted[..., 5, 50] = 1
    >>> crops(wanted, 16, 16)
    [(slice(0, 32, None), slice(32, 80, None))]
    """
    marked = F.max_pool2d(wanted.float(), multiple).amax((0, 1)).cpu().numpy()  # waits for the device
    reach = 2 * -(-margin // multiple) + 1
    cells = cv2.dilate(marked, np.ones((reach, reach))).astype(np.uint8)
    while True:
        count, _, boxes, _ = cv2.connectedComponentsWithStats(cells)
        for left, top, width, height, _ in boxes[1:]:
            cells[top : top + height, left : left + width] = 1
        if cv2.connectedComponents(cells)[0] == count and cells.sum() == boxes[1:, 4].sum():
            return [_crop(box, multiple) for box in boxes[1:]]


def _crop(box: np.ndarray, multiple: int) -> Crop:
    left, top, width, height = (multiple * int(side) for side in box[:4])
    return slice(top, top + height), slice(left, left + width)
