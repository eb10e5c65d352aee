"""What passes before a fixed camera goes on as it was going while something hides it.

Flow says nothing of what is hidden, and completed from around it stops what moves or drags along what stands. Where
the background is known there is more to go by: what differs from it is a thing of its own. A thing has one velocity,
which is measured while some of it is in view (Lucas, Kanade 1981) and then kept; where it has left, the background
comes back.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from restore.propagation.flow import STILL

SMALLEST = 32  # px; what is smaller is noise, or cannot be followed
REACH = 32  # px; a thing farther than this from all that is hidden need not be followed yet
KNOWN = 0.25  # share of a thing whose velocity must be known, for it to be that of the whole
STEPS = 3  # of Gauss and Newton
MARGIN = 8  # px around a thing and where it goes; a velocity is not corrected by more
RIM = np.ones((9, 9), np.uint8)  # where the blurred picture mixes a thing with what is around it
DEFINITE = 1e-3  # of the greater eigenvalue; with a lesser one an edge slides along itself
IN_VIEW = 0.1  # share of a thing, less its rim, by which a velocity is judged
BETTER = 0.8  # a velocity is believed if it leaves less than this of the error that standing still leaves


@dataclass(frozen=True)
class View:
    """A frame, uint8 `H W 3`, and what is hidden in it, bool `H W`."""

    image: np.ndarray
    hidden: np.ndarray

    def luma(self, box: tuple[slice, slice]) -> np.ndarray:
        """float32, within `box`, smooth enough to have slopes."""
        return cv2.GaussianBlur(cv2.cvtColor(self.image[box], cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.5)


@dataclass(frozen=True)
class Passing:
    """Where the things that move are in the next frame of a sweep.

    Attributes:
        velocity: float32 `H W 2`, (x, y) in px a frame, of the thing that is there, hidden or not; 0 where none is.
        there: bool `H W`, where one is, and is hidden.
        left: bool `H W`, where one was, and what is hidden now is not it.
    """

    velocity: np.ndarray
    there: np.ndarray
    left: np.ndarray


def passing(things: np.ndarray, followed: np.ndarray, seen: np.ndarray, last: View, now: View) -> Passing:
    """Move what passes by one frame, behind what hides it.

    Args:
        things: bool `H W`, where what is remembered is not the background.
        followed: float32 `H W 2`, (x, y) in px a frame, how things were going on their way to the last frame, else 0.
        seen: float32 `H W 2`, the same between the two frames, from the flow; meaningless where either is hidden.
        last, now: the frame that the things are aligned with, and the next of the sweep.
    """
    velocity, there, left = np.zeros_like(seen), np.zeros_like(things), np.zeros_like(things)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(things.astype(np.uint8))
    for label in range(1, count):
        x, y, width, height, area = boxes[label]
        if area < SMALLEST or not now.hidden[_around(x, y, width, height, REACH)].any():
            continue
        box = slice(y, y + height), slice(x, x + width)
        whole = labels[box] == label
        in_view = whole & ~last.hidden[box] & ~now.hidden[box]
        for start, proven in ((_usual(followed[box][whole], area), True), (_usual(seen[box][in_view], area), False)):
            if start is None:
                continue
            near = _around(x, y, width, height, MARGIN + int(np.ceil(np.abs(start).max())))
            thing = (labels[near] == label).astype(np.float32)
            step = _measured(thing, start, last, now, near, proven=proven)
            if step is not None:
                arrived = _shifted(thing, step) > 0.5
                velocity[near][arrived] = step
                there[near] |= arrived
                left[near] |= thing > 0
                break
    there &= now.hidden
    return Passing(velocity, there, left & now.hidden & ~there)


def _usual(velocities: np.ndarray, area: int) -> np.ndarray | None:
    """The median of `N 2` that are not 0, if they are enough for a thing of this area, and if it moves."""
    known = velocities[velocities.any(-1)]
    if len(known) < KNOWN * area:
        return None
    usual = np.median(known, 0)
    return usual if np.abs(usual).max() >= STILL else None


def _measured(
    thing: np.ndarray, start: np.ndarray, last: View, now: View, box: tuple[slice, slice], *, proven: bool
) -> np.ndarray | None:
    """The velocity of a thing, corrected by what is in view of it in both frames: the more, the larger its share.

    Args:
        thing: float32, 1 where it is in `box` of the last frame.
        proven: whether `start` was measured before. Then it holds as long as too little is in view to tell.

    Returns:
        None if the thing does not move like that as a whole.
    """
    was, is_now = last.luma(box), now.luma(box)
    inside = cv2.erode(thing * ~last.hidden[box], RIM, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    in_view = cv2.erode((~now.hidden[box]).astype(np.float32), RIM)
    step = start
    for _ in range(STEPS):
        weight = _shifted(inside, step) * in_view
        share = weight.sum() / thing.sum()
        moved = _shifted(was, step)
        slopes = [(weight * cv2.Sobel(moved, cv2.CV_32F, *axis, scale=1 / 8)).ravel() for axis in ((1, 0), (0, 1))]
        normal = np.array([[a @ b for b in slopes] for a in slopes], np.float64)
        least, most = np.linalg.eigvalsh(normal)
        if share < IN_VIEW or least <= DEFINITE * most:
            return start if proven else None
        error = moved - is_now
        error -= (weight * error).sum() / weight.sum()  # the exposure may differ
        step = step + np.linalg.solve(normal, [a @ error.ravel() for a in slopes])
        if np.abs(step - start).max() > MARGIN:
            return None
    if np.abs(weight * error).sum() > BETTER * np.abs(weight * (was - is_now)).sum():
        return None
    return start + share * (step - start)


def _shifted(picture: np.ndarray, step: np.ndarray) -> np.ndarray:
    there = np.array([[1, 0, step[0]], [0, 1, step[1]]], np.float32)
    return np.asarray(cv2.warpAffine(picture, there, picture.shape[::-1]))


def _around(x: int, y: int, width: int, height: int, margin: int) -> tuple[slice, slice]:
    return slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
