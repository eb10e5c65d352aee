"""What of a detection is proven to hide the scene, and what is only suspected to: a suspect stays in the picture.

A network knows obstructions by what they look like, and a white cloth on a lawn looks like dirt on the lens. So each
connected component of a detection needs a proof by measurement, too:

- flat: a box is of one level, to within the noise, its edges are hard and run along the picture's, and it is too
  large to be a piece of something;
- fixed: its edges stand still on the sensor while those around it move with the scene;
- sudden: it is brighter or darker than all that is near it in the frame before and in the frame after, as a scratch is,
  while what is close around it stays.

A component that was proven a moment ago stays so. Lengths are in px at about 240 rows, as the segmenter's are. The
thresholds are chosen on training clips, on clean ones and on others with obstructions before them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property

import cv2
import numpy as np

from restore.detection.components import Component, components
from restore.detection.dilate import dilate_soft
from restore.frame import HIDDEN, Frame
from restore.kinds import BOXES, KINDS, REMOVED
from restore.video.windows import windows

ROWS = 240  # px of the shorter side that is measured, at least, where the frame has as many
BEFORE, AFTER = 13, 6  # frames that each is compared with; those after it are read ahead
GAP = 3  # px up to which two parts are one component
LEAST = 4e-4  # share of the frame's pixels that a component has at least
CONTINUED = 0.5  # share of its pixels that were proven a moment ago, from which a component still is

FLAT_SHARE = 0.01  # of the frame's pixels: smaller pieces of clean scenes are as flat as boxes
FLAT_LEVELS = 1.0  # deviation of a box's levels, without noise
DARK, BURNT = 20, 235  # a flat component beyond these levels proves nothing: bars are black, skies burn out
STRAIGHT_SHARE = 0.6  # of a box's outline, that runs along rows or columns; of a round thing's a quarter does
STEP, SLOPE = 6, 0.2  # px on both sides over which the slope of an outline is measured, and how far it may be off
HARD_SHARE = 0.6  # of what is close around a box, that is not of its colour: the rest may be by chance
HARD, CLOSE = 6.0, 4  # levels, beyond the noise, and px
CELL = 7  # px, side of what levels are averaged over; boxes are measured where it fits in

SMOOTH = 1.2  # px, sigma before gradients are taken
NOISE_ENERGY = 0.0237  # mean squared gradient of white noise of deviation 1 after that
RIM, RING = 2, 20  # px: the edges of a component on both sides, and the scene around it
FIXED, MOVING = 0.8, 0.6  # shares of the edges' energy that stand still: of a component at least, around it at most
SAMPLED = 3  # px; of every third row and column the noise is estimated
FAINT = 1.0  # (levels/px)^2 of edges at least, and more than the noise has: less tells nothing
FEWEST = 50  # px that there are of the scene around

SUDDEN = 16.0  # levels beyond all that is near in the frames before and after; median over a component
NEAR = 2  # px
CALM = 8.0  # levels that what is close around it changes by at most, or all is sudden there


def prove(frames: Iterable[Frame], *, remove: Collection[str] = REMOVED, suspects: bool = False) -> Iterator[Frame]:
    """The same frames with `proven`, `suspected`, and a `mask` of what is proven.

    Args:
        frames: consecutive ones of one video, with `probability` and `scene`, and with `kinds` where they are known;
            else all that was detected is taken for boxes.
        remove: the kinds that may go.
        suspects: whether to take suspects for proven.
    """
    may_go = np.isin(KINDS, list(remove))
    for window in windows((_Look(frame, may_go) for frame in frames), 1, before=BEFORE, after=AFTER):
        (look,) = window.core
        frame = look.release()
        assert frame.probability is not None
        if look.any and not suspects:
            scene = [other for other in window.items if other.scene == look.scene]
            look.find(_Surroundings(scene, scene.index(look)))
            frame.proven = look.allowed & _enlarged(look.proven, look.step, frame.size)
        else:
            frame.proven = look.allowed
        frame.mask = _as_mask(frame, frame.proven)
        suspects_left = look.allowed & ~frame.proven
        frame.suspected = _as_mask(frame, suspects_left) > HIDDEN if suspects_left.any() else suspects_left
        yield frame


def _as_mask(frame: Frame, part: np.ndarray) -> np.ndarray:
    """Probabilities float32 `H W` of a part, bool `H W`, of what was detected; its soft kinds are dilated."""
    assert frame.probability is not None
    mask = frame.probability * part
    return mask if frame.kinds is None or not part.any() else dilate_soft(mask, frame.kinds)


class _Look:
    """What is compared of a frame; 1.5 MB at 320x240, and about as much at any size.

    Attributes:
        allowed: bool `H W`, what was detected of the kinds that may go.
        any: whether there is anything of it.
        step: how many times smaller the other planes, `h w`, are.
        picture: uint8 `h w 3`.
        grey: float32, its luma.
        detected: bool, all that was detected, of whatever kind.
        own: bool, what is proven by this frame itself.
        proven: bool, that, and what was proven a moment ago.
    """

    def __init__(self, frame: Frame, may_go: np.ndarray) -> None:
        assert frame.probability is not None and frame.scene is not None
        self._frame: Frame | None = frame
        self.scene = frame.scene
        self.step = max(1, min(frame.size) // ROWS)
        hidden = frame.probability > HIDDEN
        kinds = frame.kinds
        self.allowed = hidden & (may_go[BOXES] if kinds is None else may_go.take(kinds))
        self.any = bool(self.allowed.any())
        self.detected = np.ascontiguousarray(hidden[:: self.step, :: self.step])
        rows, columns = self.detected.shape
        self.picture = cv2.resize(frame.image, (columns, rows), interpolation=cv2.INTER_AREA)
        self.grey = cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._candidates = self.allowed[:: self.step, :: self.step]
        self._kinds = np.full((rows, columns), BOXES) if kinds is None else kinds[:: self.step, :: self.step]
        self.own, self.proven = np.zeros((2, rows, columns), bool)

    def release(self) -> Frame:
        """The frame; the look no longer holds it."""
        frame, self._frame = self._frame, None
        assert frame is not None
        return frame

    @cached_property
    def smooth(self) -> np.ndarray:
        return cv2.GaussianBlur(self.grey, (0, 0), SMOOTH)

    @cached_property
    def energy(self) -> np.ndarray:
        return _energy(self.smooth)

    @cached_property
    def noise(self) -> float:
        """Deviation of the noise in levels (Immerkaer 1996, with a median): the Laplacian of most pixels is noise."""
        laplacian = cv2.Laplacian(self.grey, cv2.CV_32F)[::SAMPLED, ::SAMPLED]
        return float(np.median(np.abs(laplacian))) / (0.6745 * 20**0.5)

    def find(self, around: "_Surroundings") -> None:
        """Set `own` and `proven`."""
        for kind in np.unique(self._kinds[self._candidates]):
            for component in components(self._candidates & (self._kinds == kind), GAP, LEAST * self.grey.size):
                if own := any(proof(component) for proof in around.proofs(KINDS[kind])):
                    self.own[component.part] |= component.mask
                if own or around.continues(component):
                    self.proven[component.part] |= component.mask


class _Surroundings:
    """The looks of one scene around one of them, and the proofs that they allow."""

    def __init__(self, looks: Sequence[_Look], at: int) -> None:
        self.looks, self.at, self.look = looks, at, looks[at]

    def proofs(self, kind: str) -> list[Callable[[Component], bool]]:
        """Those that a kind can have."""
        if kind == "boxes":
            return [self.flat]
        return [self.sudden, self.fixed] if kind == "scratches" else [self.fixed]

    def continues(self, component: Component) -> bool:
        """Whether one of the frames before proves much of the component."""
        pixels = np.count_nonzero(component.mask)
        before = (look.own[component.part] for look in self.looks[: self.at])
        return any(np.count_nonzero(own & component.mask) >= CONTINUED * pixels for own in before)

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
        return _energy(_mean([look.smooth for look in self.looks])) - noise

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


def _energy(plane: np.ndarray) -> np.ndarray:
    """The squared gradient (levels/px)^2 of a plane float32 `h w`."""
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    return across * across + down * down


def _mean(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Of planes float32 `h w`; in a tenth of the time of `np.mean`, which stacks them first."""
    total = planes[0].copy()
    for plane in planes[1:]:
        cv2.add(total, plane, total)
    return total / np.float32(len(planes))


def _dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """uint8 `h w`, dilated by a square."""
    return cv2.dilate(mask, np.ones((2 * pixels + 1, 2 * pixels + 1)))


def _enlarged(mask: np.ndarray, step: int, size: tuple[int, int]) -> np.ndarray:
    """bool `h w`, of every `step`-th pixel, at the size of the frame; with what lies between the samples at its rim."""
    if step == 1:
        return mask
    wide = _dilated(mask.view(np.uint8), 1).repeat(step, 0).repeat(step, 1)
    return wide[: size[0], : size[1]] > 0
