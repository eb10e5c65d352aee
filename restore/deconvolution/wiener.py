"""The filter that undoes a blur which is known with some uncertainty, with the least squared error (Wiener 1949).

Where the transfer function H is sure it divides by it, as far as the noise allows; where it is not, the filter does
less: E[H] S / (E[H^2] S + N), over all blurs by how likely they are, for a scene of power S and noise of power N.
"""

from dataclasses import dataclass

import numpy as np

from restore.deconvolution.blurs import FREQUENCIES, RING_FREQUENCIES, SLOPE, attenuations, transfer_functions
from restore.deconvolution.paths import Paths, frequencies, path, scene_power
from restore.models.softness import WINDOW

SIZE = 128  # px, of the grid that filters are computed on
REACH = 40  # px to each side that they have
LITTLE, NOTHING = 0.3, 0.1  # of a frequency is left where hardly any of a blurred picture is, and where none
MOST = 6.0  # times any frequency is amplified; more would amplify what the model does not know
SCENE = slice(1, 4)  # rings that a scene's power is taken from: a blur leaves most of it there
FINEST_OF_ALL = 0.44  # cycles a px, from which on that is so
FINEST = slice(13, 16)  # rings in which blurred pictures have little but noise
ROUNDING = 1 / 12  # squared levels, the noise of rounding, of each channel
GREY = 3  # channels, over which the noise that a spectrum shows is averaged
CAUTION = 3.0  # times the noise, as it is not the same everywhere


@dataclass(frozen=True)
class Deconvolution:
    """Filters of odd sides, float32.

    Attributes:
        sharpen: to apply to a blurred picture, `K K`.
        removed: gives the frequencies that a blurred picture has next to nothing of, `K K`.
    """

    sharpen: np.ndarray
    removed: np.ndarray


def deconvolution(rings: np.ndarray, probabilities: np.ndarray) -> Deconvolution:
    """The filters of a picture with this spectrum, `16`, finite, whose blur each of `probabilities` is likely."""
    transfer = probabilities @ transfer_functions()
    squared = probabilities @ np.square(transfer_functions())
    taken = np.log(probabilities @ np.exp(attenuations()))
    height = (rings - taken + SLOPE * np.log(RING_FREQUENCIES))[SCENE].mean()
    scene = np.exp(height) * np.maximum(FREQUENCIES, RING_FREQUENCIES[0]) ** -SLOPE
    left = np.exp(height + taken) * RING_FREQUENCIES**-SLOPE  # of the scene, in rings
    noise = max(ROUNDING, GREY * float((np.exp(rings) - left)[FINEST].mean()) - ROUNDING)
    radius = np.hypot(*frequencies(SIZE))
    transfer, squared, scene = (np.interp(radius, FREQUENCIES, x) for x in (transfer, squared, scene))
    return _undoing(transfer, squared, scene, noise)


def deconvolution_along(log_power: np.ndarray, paths: Paths) -> Deconvolution:
    """Likewise, of a picture with this spectrum, `64 33`, that is blurred along one of `paths`."""

    def expected(size: int, power: int) -> np.ndarray:
        grid = frequencies(size)
        along = zip(paths.probabilities, paths.lengths, paths.angles, strict=True)
        return sum((p * path(length, angle, *grid) ** power for p, length, angle in along), np.zeros(grid[0].shape))

    radius = np.hypot(*frequencies(WINDOW))
    finest = (radius > FINEST_OF_ALL) & (radius < 0.5)
    left = np.exp(scene_power(paths.scene, radius)) * expected(WINDOW, 2)
    noise = max(ROUNDING, GREY * float((np.exp(log_power) - left)[finest].mean()) - ROUNDING)
    scene = np.exp(scene_power(paths.scene, np.hypot(*frequencies(SIZE))))
    return _undoing(expected(SIZE, 1), expected(SIZE, 2), scene, noise)


def _undoing(transfer: np.ndarray, squared: np.ndarray, scene: np.ndarray, noise: float) -> Deconvolution:
    """Of what is expected at the frequencies of an `rfft2` of `SIZE`."""
    gain = transfer * scene / (squared * scene + CAUTION * noise)
    gain = np.minimum(gain / gain[0, 0], MOST)
    removed = np.clip((LITTLE - np.abs(transfer)) / (LITTLE - NOTHING), 0, 1)
    return Deconvolution(_filter(gain), _filter(removed))


def _filter(gain: np.ndarray) -> np.ndarray:
    """`K K` of what it does to each frequency; tapered, as it would ring where it is cut off."""
    whole = np.fft.fftshift(np.fft.irfft2(gain, s=(SIZE, SIZE)))
    middle = slice(SIZE // 2 - REACH, SIZE // 2 + REACH + 1)
    side = np.sqrt(np.hanning(2 * REACH + 3)[1:-1])
    part = whole[middle, middle] * side[:, None] * side
    part[REACH, REACH] += gain[0, 0] - part.sum()  # the mean of a picture is exact
    return part.astype(np.float32)
