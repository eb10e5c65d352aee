"""Peak signal-to-noise ratio: 10 log10(255^2 / MSE), in dB."""

import cv2
import numpy as np

# Identical pictures have an infinite PSNR, which no mean and no JSON can hold. One level of difference in one value of
# a picture of 320x240 is 102 dB, so the cap touches nothing that differs to the eye.
CAP = 100.0


def psnr(restored: np.ndarray, original: np.ndarray) -> float:
    """PSNR of a picture in dB, capped at 100.

    Args:
        restored, original: uint8 `H W 3`, or any other shape that both share, in [0, 255].

    Raises:
        ValueError: the shapes differ.

    >>> original = np.zeros((8, 8, 3), np.uint8)
    >>> round(psnr(original + 1, original), 2), psnr(original, original)
    (48.13, 100.0)
    """
    return decibels(float(squared_error(restored, original).mean()))


def squared_error(restored: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Squared differences of uint8 pictures, uint16, in their shape: 255^2 still fits.

    Raises:
        ValueError: the shapes differ.
    """
    if restored.shape != original.shape:
        raise ValueError(f"restored picture is {restored.shape}, original {original.shape}; scores need the same size")
    return np.square(cv2.absdiff(restored, original), dtype=np.uint16)


def decibels(mean_squared_error: float) -> float:
    """A mean squared error, of levels in [0, 255], in dB, capped at 100.

    >>> decibels(255.0**2), decibels(0.0)
    (0.0, 100.0)
    """
    return CAP if mean_squared_error == 0 else min(CAP, float(10 * np.log10(255.0**2 / mean_squared_error)))
