"""Measurements that prove that something hides the scene; lengths are in px of a `Look`.

The thresholds are chosen on training clips, on clean ones and on others with obstructions before them.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from itertools import pairwise

import cv2
import numpy as np

from restore.detection.components import Component
from restore.detection.flat import CLOSE, around, dilated, flat
from restore.detection.look import Look, edge_energy
from restore.kinds import KINDS

NOISE_ENERGY = 0.0237  # mean squared gradient of white noise of deviation 1, in `Look.smooth`
RIM, RING = 2, 20  # px: the edges of a component on both sides, and the scene around it
FIXED = 0.6  # share of the energy of a component's edges that stands still, at least
CONTRAST = 0.2  # and by how much it is more than the share of those around it
DRIFT = 0.5  # px that they move at most; those of what a camera follows move by 2 and more
QUARTERS = 4  # of the looks, between which they may move
CELLS = 4  # down and across, that the picture is cut into
MOVING, MOVING_SHARE = 0.8, 0.75  # share of the energy that stands still at most, in this share of the cells at least
LAGS, AGREEING = (-6, -3, 3, 6), 2  # frames to the looks that motion is measured to, and how many must agree
EDGE = 4  # px on both sides of an edge, between which its levels are reached
STEEP_LEVELS = 12.0  # between both sides, at least
STEEPEST = 0.9  # quantile of the edges of a component
# Share of the difference between both sides that lies within a pixel, 0.5 at an ideal edge. Logos have 0.26 to 0.49,
# leaves and dirt before training clips 0.16 to 0.19, drops 0.14 to 0.39: most of these stay suspects.
IN_FOCUS = 0.25
LEAST_MOTION = 1.0  # px; less is not measured
ALONG = 0.25  # share of the change that is left once the motion is taken out, where something moves along
CLEARLY = 4  # times the change by noise alone, that a change is of motion
SAME = 0.3  # share of a component that is detected in both, where they are of the same thing
NOISE_LEFT = 0.055  # of the variance of white noise, in `Look.smooth`
FAINT = 1.0  # (levels/px)^2 of edges at least, and no less than the noise has: less tells nothing
FEWEST = 50  # px that there are of the scene around
SUDDEN = 16.0  # levels beyond all that is near in the frames before and after; median over a component
NEAR = 2  # px
CALM, CALM_SHARE = 8.0, 0.8  # levels that most of what is close around it changes by at most, or all is sudden there

TEXT = KINDS.index("text")


class Surroundings:
    """The looks of one scene around one of them, and the proofs that they allow."""

    def __init__(self, looks: Sequence[Look], at: int) -> None:
        self.looks, self.at, self.look = looks, at, looks[at]

    def proofs(self, kind: str) -> list[Callable[[Component], bool]]:
        """Those that a kind can have."""
        if kind == "boxes":
            return [partial(flat, self.look)]
        if kind == "text":
            return [self.fixed]
        return [self.sudden, self.fixed_on_lens] if kind == "scratches" else [self.fixed_on_lens]

    def refuted(self, kind: str, component: Component) -> bool:
        """Whether the component is in the scene, whatever else is proven: a flat wall that moves along with it."""
        return kind == "boxes" and self._moves_along(component)

    def _moves_along(self, component: Component) -> bool:
        """Whether the component and what is around it move alike, by so much that it can be seen."""
        part, mask = around(self.look, component, RING)
        outside = dilated(mask, RIM) > 0
        rim = outside & (cv2.erode(mask, np.ones((2 * RIM + 1, 2 * RIM + 1))) == 0)
        now, faintest = self.look.smooth[part], 2 * NOISE_LEFT * self.look.noise**2
        window = cv2.createHanningWindow(now.shape[::-1], cv2.CV_32F)
        votes = 0
        for at in (self.at + lag for lag in LAGS):
            if not 0 <= at < len(self.looks) or self._detected(at, component) < SAME:
                continue
            detected = self.looks[at].detected[part] | self.look.detected[part]
            scene = (dilated(detected.view(np.uint8), RIM) == 0) & (dilated(mask, RING) > 0)
            if np.count_nonzero(scene) < FEWEST:
                continue
            other = self.looks[at].smooth[part]
            (right, down), _ = cv2.phaseCorrelate(other.copy(), now.copy(), window)  # which may write into both
            if np.hypot(right, down) < LEAST_MOTION:
                continue
            shift = np.array([[1, 0, right], [0, 1, down]])
            moved = cv2.warpAffine(other, shift, now.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
            after = (((now - moved)[where] ** 2).mean() - faintest for where in (rim, scene))
            before = [((now - other)[where] ** 2).mean() - faintest for where in (rim, scene)]
            if min(before) > max(FAINT, CLEARLY * faintest) and all(
                rest < ALONG * change for rest, change in zip(after, before, strict=True)
            ):
                votes += 1
        return votes >= AGREEING

    def _detected(self, at: int, component: Component) -> float:
        """The share of the component that is detected in another look as well."""
        return float(self.looks[at].detected[component.part][component.mask].mean())

    def fixed(self, component: Component) -> bool:
        """Whether the component stands still on the sensor while the camera moves."""
        if not self._camera_moves:
            return False
        part, mask = around(self.look, component, RING)
        rim = (dilated(mask, RIM) - cv2.erode(mask, np.ones((2 * RIM + 1, 2 * RIM + 1)))) > 0
        ring = (dilated(mask, RING) > 0) & ~self._ever_detected[part]
        if np.count_nonzero(ring) < FEWEST:
            return False
        edges, scene = (float(self._energy[part][at].mean()) for at in (rim, ring))
        if min(edges, scene) < self._faintest:
            return False
        own, others = (float(self._still_energy[part][at].mean()) for at in (rim, ring))
        return own / edges > max(FIXED, others / scene + CONTRAST) and self._drift(part, rim) < DRIFT

    def fixed_on_lens(self, component: Component) -> bool:
        """Likewise, for what is not drawn into the picture: burnt-in letters and logos stand still as well, and some
        are taken for drops.
        """
        text = (component.mask & self._ever_text[component.part]).any()
        return not text and self.fixed(component) and not self._drawn(component)

    def _drawn(self, component: Component) -> bool:
        """Whether its edges are about as hard as pixels are: a lens is out of focus, a graphic is not."""
        part, mask = around(self.look, component, EDGE)
        mean = _mean([look.grey[part] for look in self.looks])  # without the noise
        side = np.ones((2 * EDGE + 1, 2 * EDGE + 1))
        spread = cv2.dilate(mean, side) - cv2.erode(mean, side)
        rim = (dilated(mask, EDGE) - cv2.erode(mask, side)) > 0
        edges = rim & (spread >= max(STEEP_LEVELS, float(np.median(spread[rim]))))
        if not edges.any():
            return False
        steepness = np.sqrt(edge_energy(mean)[edges]) / spread[edges]
        return float(np.quantile(steepness, STEEPEST)) > IN_FOCUS

    def _drift(self, part: tuple[slice, slice], rim: np.ndarray) -> float:
        """By how many px what is at the rim moves at most between the mean of all looks and that of a quarter of them
        (Lucas and Kanade 1981). What a camera follows stands nearly still, too, but not to a fraction of a pixel.
        """
        planes = [look.smooth[part] for look in self.looks]
        bounds = np.linspace(0, len(planes), min(QUARTERS, len(planes)) + 1).astype(int)
        mean = _mean(planes)
        edges = np.stack([cv2.Sobel(mean, cv2.CV_32F, *order, ksize=3, scale=1 / 8)[rim] for order in ((1, 0), (0, 1))])
        inverse = np.linalg.pinv(edges @ edges.T, rcond=0.01, hermitian=True)  # along a line nothing is seen to move
        changes = [(mean - _mean(planes[first:last]))[rim] for first, last in pairwise(bounds)]
        return max(float(np.linalg.norm(inverse @ edges @ (change - change.mean()))) for change in changes)

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
    def _camera_moves(self) -> bool:
        """Whether the edges of most of the picture move. Before a camera that stands still, much of the scene is as
        fixed as dirt is: a lane mark between cars.
        """
        free = (~self._ever_detected).astype(np.float32)
        planes = np.stack([free, self._energy * free, self._still_energy * free], 2)
        free, edges, still = np.moveaxis(cv2.resize(planes, (CELLS, CELLS), interpolation=cv2.INTER_AREA), 2, 0)
        usable = (free * self._ever_detected.size > FEWEST * CELLS**2) & (edges > self._faintest * free)
        return bool(usable.any() and np.quantile(still[usable] / edges[usable], MOVING_SHARE) < MOVING)

    @cached_property
    def _faintest(self) -> float:
        """(levels/px)^2 of edges that tell whether they move, at least."""
        return max(FAINT, NOISE_ENERGY * self.look.noise**2)

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
    def _ever_text(self) -> np.ndarray:
        ever = np.zeros_like(self.look.detected)
        for look in self.looks:
            ever |= look.detected & (look.kinds == TEXT)
        return dilated(ever.view(np.uint8), RING) > 0

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
