"""Measurements that prove that something hides the scene; lengths are in px of a `Look`.

The thresholds are chosen on training clips, on clean ones and on others with obstructions before them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import cv2
import numpy as np

from restore.detection.components import Component
from restore.detection.look import Look, edge_energy

FLAT_SHARE = 0.01  # of the frame's pixels: smaller pieces of clean scenes are as flat as boxes
FLAT_LEVELS = 1.0  # deviation of a box's levels, without noise
DARK, BURNT = 20, 235  # a flat component beyond these levels proves nothing: bars are black, skies burn out
STRAIGHT_SHARE = 0.6  # of a box's outline, that runs along rows or columns; of a round thing's a quarter does
STEP, SLOPE = 6, 0.2  # px on both sides over which the slope of an outline is measured, and how far it may be off
HARD_SHARE = 0.6  # of what is close around a box, that is not of its colour: the rest may be by chance
HARD, CLOSE = 6.0, 4  # levels, beyond the noise, and px
CELL = 7  # px, side of what levels are averaged over; boxes are measured where it fits in
NOISE_ENERGY = 0.0237  # mean squared gradient of white noise of deviation 1 after that
RIM, RING = 2, 20  # px: the edges of a component on both sides, and the scene around it
FIXED, MOVING = 0.8, 0.6  # shares of the edges' energy that stand still: of a component at least, around it at most
FAINT = 1.0  # (levels/px)^2 of edges at least, and more than the noise has: less tells nothing
FEWEST = 50  # px that there are of the scene around
SUDDEN = 16.0  # levels beyond all that is near in the frames before and after; median over a component
NEAR = 2  # px
CALM = 8.0  # levels that what is close around it changes by at most, or all is sudden there


class Surroundings:
    """The looks of one scene around one of them, and the proofs that they allow."""

    def __init__(self, looks: Sequence[Look], at: int) -> None:
        self.looks, self.at, self.look = looks, at, looks[at]

    def proofs(self, kind: str) -> list[Callable[[Component], bool]]:
        """Those that a kind can have."""
        if kind == "boxes":
            return [self.flat]
        return [self.sudden, self.fixed] if kind == "scratches" else [self.fixed]

    def flat(self, component: Component) -> bool:
        """Whether the component has one level, and hard and straight edges, and is large."""
        if np.count_nonzero(component.mask) < FLAT_SHARE * self.look.grey.size:
            return False
        inner = cv2.erode(np.pad(component.mask, 1).view(np.uint8), np.ones((CELL + 2, CELL + 2)))[1:-1, 1:-1] > 0
        levels = cv2.blur(self.look.grey, (CELL, CELL))[component.part][inner]
        if not levels.size:
            return False
        level = np.median(levels)
        deviation = 1.4826 * np.median(np.abs(levels - level))  # of most of it: something else may lie before a part
        without_noise = max(0.0, deviation**2 - (self.look.noise / CELL) ** 2) ** 0.5
        if not DARK < level < BURNT or without_noise > FLAT_LEVELS:
            return False
        return self._straight(component) > STRAIGHT_SHARE and self._hard(component) > HARD_SHARE

    def fixed(self, component: Component) -> bool:
        """Whether the component stands still on the sensor before a scene that moves."""
        part, mask = self._around(component, RING)
        rim = (_dilated(mask, RIM) - cv2.erode(mask, np.ones((2 * RIM + 1, 2 * RIM + 1)))) > 0
        ring = (_dilated(mask, RING) > 0) & ~self._ever_detected[part]
        if np.count_nonzero(ring) < FEWEST:
            return False
        edges, scene = (float(self._energy[part][at].mean()) for at in (rim, ring))
        if min(edges, scene) < max(FAINT, NOISE_ENERGY * self.look.noise**2):
            return False
        own, others = (float(self._still_energy[part][at].mean()) for at in (rim, ring))
        return own > FIXED * edges and others < MOVING * scene

    def sudden(self, component: Component) -> bool:
        """Whether the component stands out of both neighbours, wherever in them one looks nearby, and what is close
        around it does not change.
        """
        if not 0 < self.at < len(self.looks) - 1:
            return False
        if np.median(self._beyond[component.part][component.mask]) <= SUDDEN:
            return False
        part, mask = self._around(component, CLOSE)
        close = (_dilated(mask, CLOSE) - _dilated(mask, RIM)) > 0
        return bool(close.any() and np.median(self._change[part][close]) < CALM)

    def _straight(self, component: Component) -> float:
        """The share of the outline that runs along rows or columns; its ends at the picture's edges do not count."""
        height, width = self.look.grey.shape
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

    def _hard(self, component: Component) -> float:
        """The share of the pixels close around that differ from the colour of the component."""
        part, mask = self._around(component, CLOSE)
        close = (_dilated(mask, CLOSE) - _dilated(mask, CLOSE - 1)) > 0
        picture = self.look.picture[part]
        colour = np.median(picture[mask > 0], 0)
        differences = np.abs(cv2.blur(picture, (3, 3))[close] - colour).max(-1)
        return float(np.mean(differences > HARD + self.look.noise)) if differences.size else 0.0

    def _around(self, component: Component, reach: int) -> tuple[tuple[slice, slice], np.ndarray]:
        """The part of the look that the component's box and `reach` px around it take, and the component in it."""
        height, width = self.look.grey.shape
        left, top, right, bottom = component.box
        first, start = max(0, top - reach), max(0, left - reach)
        part = slice(first, min(height, bottom + reach)), slice(start, min(width, right + reach))
        mask = np.zeros(self.look.grey[part].shape, np.uint8)
        mask[top - first : bottom - first, left - start : right - start] = component.mask
        return part, mask

    @cached_property
    def _energy(self) -> np.ndarray:
        """Mean energy of the edges in all looks, without that of noise."""
        noise = NOISE_ENERGY * self.look.noise**2
        return _mean([look.energy for look in self.looks]) - noise

    @cached_property
    def _still_energy(self) -> np.ndarray:
        """Energy of the edges of the mean of all looks: what moves is averaged out of it."""
        noise = NOISE_ENERGY * self.look.noise**2 / len(self.looks)
        return edge_energy(_mean([look.smooth for look in self.looks])) - noise

    @cached_property
    def _ever_detected(self) -> np.ndarray:
        ever = self.looks[0].detected.copy()
        for look in self.looks[1:]:
            ever |= look.detected
        return _dilated(ever.view(np.uint8), RIM + 1) > 0

    @cached_property
    def _change(self) -> np.ndarray:
        """How many levels each pixel differs from that of the neighbour that is the less like it."""
        neighbours = [self.looks[self.at + step].smooth for step in (-1, 1)]
        return np.asarray(np.maximum(*(np.abs(self.look.smooth - plane) for plane in neighbours)))

    @cached_property
    def _beyond(self) -> np.ndarray:
        """By how many levels each pixel lies outside the range of what is near it in the two neighbours."""
        side = np.ones((2 * NEAR + 1, 2 * NEAR + 1))
        neighbours = [self.looks[self.at + step].smooth for step in (-1, 1)]
        most = np.maximum(*(cv2.dilate(plane, side) for plane in neighbours))
        least = np.minimum(*(cv2.erode(plane, side) for plane in neighbours))
        return np.maximum(np.maximum(self.look.smooth - most, least - self.look.smooth), 0)


def _mean(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Of planes float32 `h w`; in a tenth of the time of `np.mean`, which stacks them first."""
    total = planes[0].copy()
    for plane in planes[1:]:
        cv2.add(total, plane, total)
    return total / np.float32(len(planes))


def _dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """uint8 `h w`, dilated by a square."""
    return cv2.dilate(mask, np.ones((2 * pixels + 1, 2 * pixels + 1)))
