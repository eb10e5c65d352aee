"""Exposure reconciled between what is remembered and what is seen: a gain and an offset for each channel.

Cameras set their exposure anew when the light changes or something bright passes. What was remembered before is
brought to the exposure of the frame that it is copied into. The two numbers come from medians over a coarse grid of
averages, so that noise, and what moves over less than half of the picture, count for little.
"""

import cv2
import numpy as np

GRID = 20, 15  # cells across and down that the picture is averaged to
FEWEST = 16  # cells that must be seen in both; from fewer nothing is concluded
CONTRAST = (
    16.0  # levels between the darker and the brighter half of the cells; with less, a gain is not told from noise
)
DARKEST, BRIGHTEST = 4.0, 250.0  # levels; beyond them a sensor clips
GAINS, OFFSET = (0.5, 2.0), 64.0  # bounds; what lies beyond them is another scene
FRAMES = 10.0  # that what is remembered is averaged from


def exposure(remembered: np.ndarray, frame: np.ndarray, both: np.ndarray) -> np.ndarray:
    """What takes `remembered` to the exposure of `frame`: float32 `C C+1`, gains on the diagonal, offsets behind them.

    Where nothing has changed it is exactly the identity, and so it is where too little is known to tell.

    Args:
        remembered: float32 `H W C` or `H W`, levels in [0, 255].
        frame: uint8 of the same shape.
        both: bool `H W`, what is known of both.

    >>> ramp = np.linspace(20, 200, 80 * 60, dtype=np.float32).reshape(60, 80)
    >>> light = exposure(ramp, (ramp * 1.1 + 5).round().astype(np.uint8), np.ones((60, 80), bool))
    >>> np.allclose(light, [[1.1, 5]], atol=0.05)
    True
    """
    size = min(GRID[0], frame.shape[1]), min(GRID[1], frame.shape[0])
    # A cell is used only if it is known in full: what is unknown has no colour to be averaged into it.
    known = cv2.resize(both.astype(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) == 255
    channels = 1 if frame.ndim == 2 else frame.shape[2]
    old, new = (
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[known].reshape(-1, channels)
        for picture in (remembered, frame.astype(np.float32))
    )
    unclipped = ((np.minimum(old, new) > DARKEST) & (np.maximum(old, new) < BRIGHTEST)).all(1)
    light = np.eye(channels, channels + 1, dtype=np.float32)
    if unclipped.sum() >= FEWEST:
        gains, light[:, -1] = _lines(old[unclipped], new[unclipped])
        np.fill_diagonal(light, gains)
    return light


def relit(picture: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A picture, float32 `H W C` or `H W`, under another `light`, from `exposure`.

    Levels may leave [0, 255]: a highlight that the frame clips is still known when the exposure goes down again.
    """
    if np.array_equal(light, np.eye(*light.shape, dtype=np.float32)):
        return picture
    return cv2.transform(picture, light)


def _lines(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gains and offsets, `C` each, from x to y (`N C`), by medians of the darker and the brighter half (Wald 1940)."""
    # Halved by x alone, cells would count as bright for their noise, and a gain that nothing calls for would creep in
    # frame after frame. In this mean the noise of a frame and that of an average weigh the same.
    mean = (FRAMES * x + y).mean(1)
    brighter = mean > np.median(mean)
    change = y - x
    flat = np.ones(x.shape[1], np.float32), np.clip(np.median(change, 0), -OFFSET, OFFSET)
    if not brighter.any():
        return flat
    dark, bright = np.median(x[~brighter], 0), np.median(x[brighter], 0)
    low, high = np.median(change[~brighter], 0), np.median(change[brighter], 0)
    told = bright - dark >= CONTRAST
    gains = np.where(told, np.clip(1 + (high - low) / np.where(told, bright - dark, 1), *GAINS), flat[0])
    return gains, np.where(told, np.clip(low + (1 - gains) * dark, -OFFSET, OFFSET), flat[1])
