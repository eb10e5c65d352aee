"""What was given and what came out in one picture: [original |] degraded | restored | restored with its provenance."""

from dataclasses import replace

import cv2
import numpy as np

from restore.inference.overlay import COLOURS, overlay
from restore.propagation.provenance import NAMES
from restore.restored import Restored
from restore.video.info import VideoInfo

WHITE, DARK = (255, 255, 255), 24
FONT = cv2.FONT_HERSHEY_SIMPLEX

Label = tuple[str, tuple[int, int, int]]
LEGEND: list[Label] = [(NAMES[code], colour) for code, colour in COLOURS.items()]


def side_by_side(degraded: np.ndarray, restored: Restored, original: np.ndarray | None = None) -> np.ndarray:
    """One frame of each in a row, under a caption each; the last one's is the legend of its colours.

    Args:
        degraded, original: uint8 `H W 3`, RGB in [0, 255].

    Returns:
        uint8 `H + caption_height(W), 3 W, 3`, or `4 W` with an original.
    """
    pictures = [
        captioned(degraded, [("degraded", WHITE)]),
        captioned(restored.image, [("restored", WHITE)]),
        captioned(overlay(restored.image, restored.provenance), LEGEND),
    ]
    if original is not None:
        pictures.insert(0, captioned(original, [("original", WHITE)]))
    return np.concatenate(pictures, 1)


def side_by_side_info(info: VideoInfo, *, with_original: bool) -> VideoInfo:
    """Of a video of such pictures, from the `info` of the degraded one."""
    return replace(info, width=info.width * (3 + with_original), height=info.height + caption_height(info.width))


def captioned(image: np.ndarray, labels: list[Label]) -> np.ndarray:
    """A picture, uint8 `H W 3`, under a dark band with labels in their colours."""
    height, width = caption_height(image.shape[1]), image.shape[1]
    band = np.full((height, width, 3), DARK, np.uint8)
    x, scale = height // 3, height / 40  # of a font that is 21 px tall
    for text, colour in labels:
        thickness = max(1, round(height / 16))
        cv2.putText(band, text, (x, round(0.72 * height)), FONT, scale, colour, thickness, cv2.LINE_AA)
        x += cv2.getTextSize(text, FONT, scale, thickness)[0][0] + height // 2
    return np.concatenate([band, image])


def caption_height(width: int) -> int:
    """Of a picture of this width; even, as H.264 halves its colours.

    >>> [caption_height(width) for width in (1, 320, 1920)]
    [2, 16, 96]
    """
    return 2 * max(1, round(width / 40))
