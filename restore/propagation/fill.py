"""Smooth completion of unknown pixels from the known ones around them (push-pull, Gortler et al. 1996).

The picture is averaged down a pyramid, counting known pixels only, and each unknown pixel takes the value of the finest
level that knows anything around it. It costs a few resizes, whatever the size of the hole.
"""

import numpy as np

from restore.arrays import per_channel, pool, upsample


def fill_from_around(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Complete the unknown pixels of `values`; known ones are returned as they are.

    Args:
        values: float32 `H W` or `H W C`, any range; what unknown pixels hold is ignored.
        known: `H W`, 1 (or True) where `values` is to be believed, 0 where not, fractions in between.

    Returns:
        float32 of the shape of `values`; all zeros if nothing at all is known.

    >>> row = np.array([[0.0, 9.0, 0.0, 9.0]], np.float32)
    >>> fill_from_around(row, np.array([[1, 0, 1, 0]])).tolist()
    [[0.0, 0.0, 0.0, 0.0]]
    """
    weight = known.astype(np.float32)
    if weight.min() >= 1:
        return values.astype(np.float32, copy=True)
    planes = values.astype(np.float32).reshape(*values.shape[:2], -1)
    return _pull(planes, weight).reshape(values.shape)


def _pull(planes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    height, width, channels = planes.shape
    if height == 1 and width == 1:
        return planes * (weight > 0)[..., None]
    rows, columns = (height + 1) // 2, (width + 1) // 2
    coarse_weight = pool(weight, rows, columns)
    weights = per_channel(weight, channels)
    weighted = planes * weights
    coarse = pool(weighted, rows, columns)
    coarse /= per_channel(np.maximum(coarse_weight, np.float32(1e-6)), channels)
    # A coarse pixel with any known pixel under it is known in full: its value is already their mean.
    coarse = _pull(coarse, np.minimum(coarse_weight * 4, 1)) if coarse_weight.min() < 0.25 else coarse
    around = upsample(coarse, height, width)
    around *= 1 - weights
    return around + weighted
