"""The proof of a box: it is flat, hard and straight. One frame is enough for it; lengths are in px of a `Look`."""

import cv2
import numpy as np

from restore.detection.components import Component
from restore.detection.look import Look

FLAT_SHARE = 0.01  # of the frame's pixels: smaller pieces of clean scenes are as flat as boxes
FLAT_LEVELS = 1.0  # deviation of a box's levels, without noise
DARK, BURNT = 20, 235  # a flat component beyond these levels proves nothing: bars are black, skies burn out
DIM = 150  # levels; a scene whose white is darker is dark
AS_WHITE = 0.85, 1.05  # times that white, what may be a white thing
STRAIGHT_SHARE = 0.6  # of a box's outline, that runs along rows or columns; of a round thing's a quarter does
STEP, SLOPE = 6, 0.2  # px on both sides over which the slope of an outline is measured, and how far it may be off
HARD_SHARE = 0.6  # of what is close around a box, that is not of its colour: the rest may be by chance
HARD, CLOSE = 6.0, 4  # levels, beyond the noise, and px
CELL = 7  # px, side of what levels are averaged over; boxes are measured where it fits in


def flat(look: Look, component: Component) -> bool:
    """Whether the component has one level, and hard and straight edges, and is large."""
    if np.count_nonzero(component.mask) < FLAT_SHARE * look.grey.size:
        return False
    inner = cv2.erode(np.pad(component.mask, 1).view(np.uint8), np.ones((CELL + 2, CELL + 2)))[1:-1, 1:-1] > 0
    levels = cv2.blur(look.grey, (CELL, CELL))[component.part][inner]
    if not levels.size:
        return False
    level = np.median(levels)
    deviation = 1.4826 * np.median(np.abs(levels - level))  # of most of it: something else may lie before a part
    without_noise = max(0.0, deviation**2 - (look.noise / CELL) ** 2) ** 0.5
    if not DARK < level < BURNT or without_noise > FLAT_LEVELS or _white(look, level):
        return False
    return straightness(look, component) > STRAIGHT_SHARE and _hard(look, component) > HARD_SHARE


def _white(look: Look, level: float) -> bool:
    """Whether that level is as bright as a dark scene gets: a white thing in little light is grey and flat."""
    return look.white < DIM and AS_WHITE[0] * look.white < level < AS_WHITE[1] * look.white


def straightness(look: Look, component: Component) -> float:
    """The share of the outline that runs along rows or columns; its ends at the picture's edges do not count."""
    height, width = look.grey.shape
    left, top, *_ = component.box
    padded = np.pad(component.mask, 1).view(np.uint8)
    outlines, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    straight, count = 0, 0
    for outline in outlines:
        at = outline[:, 0] - 1  # N 2: x, y
        run = np.abs(np.roll(at, -STEP, 0) - np.roll(at, STEP, 0))
        x, y = at[:, 0] + left, at[:, 1] + top
        inside = (x > 0) & (y > 0) & (x < width - 1) & (y < height - 1)
        straight += int(np.count_nonzero(inside & (run.min(1) <= SLOPE * run.max(1))))
        count += int(np.count_nonzero(inside))
    return straight / max(1, count)


def _hard(look: Look, component: Component) -> float:
    """The share of the pixels close around that differ from the colour of the component."""
    part, mask = around(look, component, CLOSE)
    close = (dilated(mask, CLOSE) - dilated(mask, CLOSE - 1)) > 0
    picture = look.picture[part]
    colour = np.median(picture[mask > 0], 0)
    differences = np.abs(cv2.blur(picture, (3, 3))[close] - colour).max(-1)
    return float(np.mean(differences > HARD + look.noise)) if differences.size else 0.0


def around(look: Look, component: Component, reach: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of the look that the component's box and `reach` px around it take, and the component in it."""
    height, width = look.grey.shape
    left, top, right, bottom = component.box
    first, start = max(0, top - reach), max(0, left - reach)
    part = slice(first, min(height, bottom + reach)), slice(start, min(width, right + reach))
    mask = np.zeros(look.grey[part].shape, np.uint8)
    mask[top - first : bottom - first, left - start : right - start] = component.mask
    return part, mask


def dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """uint8 `h w`, dilated by a square."""
    return cv2.dilate(mask, np.ones((2 * pixels + 1, 2 * pixels + 1)))
