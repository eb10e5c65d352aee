"""The operations on pictures that frames and propagation are made of: sample, warp, pool, upsample, blur, dilate.

Arrays are NumPy's here, channels last, and the operations OpenCV's; modules above do plain arithmetic besides. Costs
are of one AVX2 core at 320x240, three channels.
"""

from functools import lru_cache

import cv2
import numpy as np

# 0.5, 1.2 and 9.7 ms. Resampled eight times by a third of a pixel in x and y, a photograph is 33 dB from itself with
# the second, 44 with the third.
LINEAR, CUBIC, LANCZOS = cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4
ROW = 1024  # points; OpenCV samples pictures, of no more than 32,767 rows

MEAN = np.full((1, 3), 1 / 3, np.float32)


@lru_cache(maxsize=8)
def grid(height: int, width: int) -> np.ndarray:
    """The coordinates (x, y) of each pixel, float32 `H W 2`; shared, not to be written to."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def sample(picture: np.ndarray, where: np.ndarray, interpolation: int = LINEAR) -> np.ndarray:
    """A picture (`H W` or `H W C`, up to 4 channels) at the coordinates `where`, float32 `h w 2` (x, y) in pixels.
    Beyond its border, the nearest pixel. A linear interpolation takes 0.28, 1.07, 0.67, 0.35 ms for 1 to 4 channels.
    """
    # Both coordinates are in the first map; OpenCV's stubs do not know that the second may be None.
    border = cv2.BORDER_REPLICATE
    return cv2.remap(picture, where, None, interpolation, borderMode=border)  # type: ignore[call-overload]


def sample_points(picture: np.ndarray, where: np.ndarray, interpolation: int = LINEAR) -> np.ndarray:
    """A picture `H W` or `H W C` at `N` points, float32 `N 2` (x, y): `N` or `N C`; beyond its border the nearest
    pixel.
    """
    count = len(where)
    folded = np.zeros((-(-count // ROW) * ROW, 2), np.float32)
    folded[:count] = where
    where = folded.reshape(-1, ROW, 2)
    if interpolation == LANCZOS and picture.ndim == 3:  # channel by channel, in half the time of three at once
        planes = [sample(plane, where, LANCZOS).ravel()[:count] for plane in cv2.split(picture)]
        return np.stack(planes, -1)
    return np.asarray(sample(picture, where, interpolation).reshape(-1, *picture.shape[2:])[:count])


def warp_affine(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture (`H W` or `H W C`) sampled at `matrix @ (x, y, 1)`; beyond its border, the nearest pixel."""
    height, width = picture.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def pool(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture averaged to a smaller size: `H W` or `H W C` => `height width ...`."""
    smaller = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return smaller.reshape(height, width, *picture.shape[2:])


def upsample(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture interpolated linearly to a larger size: `h w` or `h w C` => `height width ...`."""
    larger = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return larger.reshape(height, width, *picture.shape[2:])


def blur(picture: np.ndarray, side: int) -> np.ndarray:
    """A box filter of `side` x `side` pixels, mirrored at the border."""
    return cv2.blur(picture, (side, side))


def dilate(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask, bool `H W`, dilated by a square of `pixels` to each side: bool `H W`."""
    side = 2 * pixels + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(bool)


def erode(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask, bool `H W`, eroded by a square of `pixels` to each side, the picture's border counting as mask."""
    side = 2 * pixels + 1
    return cv2.erode(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(bool)


def stacked(*planes: np.ndarray) -> np.ndarray:
    """Pictures `H W` or `H W C` of one type => one picture with the channels of all."""
    return cv2.merge(planes)


def difference(image: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """`image` (uint8 or float32 `H W 3`) less `colour` (float32), the latter clipped at 255: float32 `H W 3`."""
    return cv2.subtract(image, clipped(colour), dtype=cv2.CV_32F)


def clipped(colour: np.ndarray) -> np.ndarray:
    """float32 levels of at most 255."""
    return cv2.threshold(colour, 255, 0, cv2.THRESH_TRUNC)[1]


def mean_channel(picture: np.ndarray) -> np.ndarray:
    """float32 `H W 3` => `H W`, the mean of the channels."""
    return cv2.transform(picture, MEAN)


def gaussian(values: np.ndarray, deviation: float) -> np.ndarray:
    """exp(-(x / deviation)^2) of float32 values."""
    return cv2.exp(np.square(values) * np.float32(-1 / deviation**2))


def blend(one: np.ndarray, other: np.ndarray, weight_one: np.ndarray, weight_other: np.ndarray) -> np.ndarray:
    """Two pictures, float32 `H W 3`, averaged with weights, float32 `H W`; 0 where both weights are. 0.14 ms."""
    # OpenCV adds 1e-5 to the sum of the weights: scaled up, that is less than a float's precision.
    return cv2.blendLinear(one, other, weight_one * np.float32(1000), weight_other * np.float32(1000))


def choose(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """`yes` where `condition` (bool `H W`), else `no`, pictures of any number of channels."""
    return cv2.copyTo(yes, condition.view(np.uint8), no.copy())


def per_channel(plane: np.ndarray, channels: int) -> np.ndarray:
    """`H W` => `H W C`, the plane in every channel.

    A product with it takes a third of the time of one with `plane[..., None]`, as nothing is broadcast along an axis of
    two or three.

    >>> per_channel(np.array([[1, 2]], np.float32), 3).tolist()
    [[[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]]
    """
    return np.asarray(cv2.merge([plane] * channels)).reshape(*plane.shape, channels)
