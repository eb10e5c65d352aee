"""A plane as a picture of several channels: products of pictures and planes, at the speed of the memory."""

import cv2
import numpy as np


def in_each_channel(plane: np.ndarray, channels: int) -> np.ndarray:
    """`H W` => `H W C`, the plane in every channel.

    A product with it takes a third of the time of one with `plane[..., None]`, as nothing is broadcast along an axis of
    two or three.

    >>> in_each_channel(np.array([[1, 2]], np.float32), 3).tolist()
    [[[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]]
    """
    return np.asarray(cv2.merge([plane] * channels)).reshape(*plane.shape, channels)
