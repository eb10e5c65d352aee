"""Exposure reconciled between a memory and a frame: a gain and an offset for each channel.

Cameras set their exposure anew when the light changes or something bright enters. A memory is brought to the exposure
of the frame that it is copied into. The two numbers come from medians over a coarse grid of averages (`Frame.cells`),
so that noise, and what moves over less than half of the picture, count for little.
"""

import cv2
import numpy as np

FEWEST_CELLS = 16  # must be visible in both; from fewer nothing is concluded
CONTRAST = 16.0  # levels between the darker and the brighter half; with less, a gain cannot be distinguished from noise
DARKEST, BRIGHTEST = 4.0, 250.0  # levels; beyond them a sensor clips
UNCHANGED = 0.25  # levels; less is rounding
GAINS, OFFSET = (0.5, 2.0), 64.0  # bounds; what lies beyond them is another scene
AVERAGED_FRAMES = 10.0  # in a memory, whose noise is less by that


def exposure(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The map from the exposure of `old` to that of `new`: float32 `C C+1`, gains on the diagonal, offsets behind.

    Where nothing has changed it is exactly the identity, and so it is where too little is known.

    Args:
        old, new: float32 `N C`, the same cells of a memory and of a frame, levels in [0, 255].

    >>> ramp = np.linspace(20, 200, 300, dtype=np.float32)[:, None]
    >>> np.allclose(exposure(ramp, ramp * 1.1 + 5), [[1.1, 5]], atol=0.05)
    True
    """
    channels = new.shape[1]
    if not len(new) or np.abs(new - old).mean() < UNCHANGED:
        return np.eye(channels, channels + 1, dtype=np.float32)
    unclipped = ((np.minimum(old, new) > DARKEST) & (np.maximum(old, new) < BRIGHTEST)).all(1)
    light = np.eye(channels, channels + 1, dtype=np.float32)
    if unclipped.sum() >= FEWEST_CELLS:
        gains, light[:, -1] = _lines(old[unclipped], new[unclipped])
        np.fill_diagonal(light, gains)
    return light


def relit(picture: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A picture, float32 `H W C` or `H W`, under another `light`, from `exposure`.

    Levels may leave [0, 255]: a highlight that the frame clips is still known when the exposure falls again.
    """
    if np.array_equal(light, np.eye(*light.shape, dtype=np.float32)):
        return picture
    return cv2.transform(picture, light)


def _lines(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gains and offsets, `C` each, from x to y (`N C`), by medians of the darker and the brighter half (Wald 1940)."""
    # Halved by x alone, cells would count as bright for their noise, and a gain that nothing calls for would creep in
    # frame after frame. In this mean the noise of a frame and that of an average weigh the same.
    mean = (AVERAGED_FRAMES * x + y).mean(1)
    brighter = mean > _median(mean)
    change = y - x
    flat = np.ones(x.shape[1], np.float32), np.clip(_median(change), -OFFSET, OFFSET)
    if not brighter.any():
        return flat
    dark, bright = _median(x[~brighter]), _median(x[brighter])
    low, high = _median(change[~brighter]), _median(change[brighter])
    enough = bright - dark >= CONTRAST
    gains = np.where(enough, np.clip(1 + (high - low) / np.where(enough, bright - dark, 1), *GAINS), flat[0])
    return gains, np.where(enough, np.clip(low + (1 - gains) * dark, -OFFSET, OFFSET), flat[1])


def _median(values: np.ndarray) -> np.ndarray:
    """Over the first axis, of which there are few: `np.median` takes three times as long."""
    ordered = np.sort(values, 0)
    return np.asarray((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
