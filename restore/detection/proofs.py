"""Measurements that prove that something hides the scene; lengths are in px of a `Look`.

The thresholds are chosen on training clips, on clean ones and on others with obstructions before them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial

import cv2
import numpy as np

from restore.detection.components import Component
from restore.detection.flat import CLOSE, around, dilated, flat
from restore.detection.look import Look, edge_energy

NOISE_ENERGY = 0.0237  # mean squared gradient of white noise of deviation 1, in `Look.smooth`
RIM, RING = 2, 20  # px: the edges of a component on both sides, and the scene around it
FIXED, MOVING = 0.8, 0.6  # shares of the edges' energy that stand still: of a component at least, around it at most
FAINT = 1.0  # (levels/px)^2 of edges at least, and more than the noise has: less tells nothing
FEWEST = 50  # px that there are of the scene around
SUDDEN = 16.0  # levels beyond all that is near in the frames before and after; median over a component
NEAR = 2  # px
CALM, CALM_SHARE = 8.0, 0.8  # levels that most of what is close around it changes by at most, or all is sudden there


class Surroundings:
    """The looks of one scene around one of them, and the proofs that they allow."""

    def __init__(self, looks: Sequence[Look], at: int) -> None:
        self.looks, self.at, self.look = looks, at, looks[at]

    def proofs(self, kind: str) -> list[Callable[[Component], bool]]:
        """Those that a kind can have."""
        if kind == "boxes":
            return [partial(flat, self.look)]
        return [self.sudden, self.fixed] if kind == "scratches" else [self.fixed]

    def fixed(self, component: Component) -> bool:
        """Whether the component stands still on the sensor before a scene that moves."""
        part, mask = around(self.look, component, RING)
        rim = (dilated(mask, RIM) - cv2.erode(mask, np.ones((2 * RIM + 1, 2 * RIM + 1)))) > 0
        ring = (dilated(mask, RING) > 0) & ~self._ever_detected[part]
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
        part, mask = around(self.look, component, CLOSE)
        close = (dilated(mask, CLOSE) - dilated(mask, RIM)) > 0
        return bool(close.any() and np.quantile(self._change[part][close], CALM_SHARE) < CALM)

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
        return dilated(ever.view(np.uint8), RIM + 1) > 0

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
