"""Objects in motion before a static camera retain their velocity while an occlusion hides them.

Flow says nothing of what is hidden, and completed from around it stops what moves or drags along what is at rest. Where
the background is known, whatever differs from it is an object of its own. It has one velocity, which is measured while
some of it is visible (Lucas, Kanade 1981) and then predicted; where it has left, the background returns.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from restore.frame import Frame
from restore.propagation.flow import STILL

# Shares of the picture's height; in pixels of 240 rows after each.
REACH = 32 / 240  # 32 px: an object farther than this from everything hidden need not be tracked yet
MARGIN = 8 / 240  # 8 px around an object and its path; a velocity is not corrected by more
SMOOTHING = 1.5 / 240  # deviation of the Gaussian that gives the picture slopes
RIM = 4 / 240  # 4 px inside an object's outline, where smoothing mixes it with its surroundings
SMALLEST_AREA = 32 / 240**2  # of the squared height: what is smaller is noise, or cannot be tracked
KNOWN_VELOCITY = 0.25  # share of an object whose velocity must be known, for it to be that of the whole
GAUSS_NEWTON_STEPS = 3
DEFINITE = 1e-3  # of the greater eigenvalue; with a lesser one an edge slides along itself
VISIBLE_SHARE = 0.1  # of an object, less its rim, by which a velocity is judged
BETTER = 0.8  # a velocity is believed if it leaves less than this of the error that being at rest leaves

Box = tuple[slice, slice]
Pair = tuple[np.ndarray, np.ndarray]  # of the last frame and of the next


@dataclass(frozen=True)
class Moved:
    """Where the objects in motion are in the next frame of a sweep.

    Attributes:
        velocity: float32 `H W 2`, (x, y) in px a frame, of the object that is present, hidden or not; 0 where none is.
        present: bool `H W`, where one is, and is hidden.
        uncovered: bool `H W`, where one was, and what is hidden now is not it.
    """

    velocity: np.ndarray
    present: np.ndarray
    uncovered: np.ndarray


def moved_objects(objects: np.ndarray, tracked: np.ndarray, observed: np.ndarray, last: Frame, now: Frame) -> Moved:
    """Move the objects by one frame, behind what hides them.

    Args:
        objects: bool `H W`, where the memory is not the background.
        tracked: float32 `H W 2`, (x, y) in px a frame, the objects' velocities up to the last frame, else 0.
        observed: float32 `H W 2`, the same between the two frames, from the flow; meaningless where either is hidden.
        last, now: the frame that the objects are aligned with, and the next of the sweep.
    """
    velocity, present, uncovered = np.zeros_like(observed), np.zeros_like(objects), np.zeros_like(objects)
    rows = objects.shape[0]
    lumas: tuple[np.ndarray, np.ndarray] | None = None  # smoothed, of both frames, once an object needs them
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(objects.astype(np.uint8))  # 1 ms at 320x240
    for label in range(1, count):
        x, y, width, height, area = boxes[label]
        reach = round(REACH * rows)
        if area < SMALLEST_AREA * rows**2 or not now.excluded[_around(x, y, width, height, reach)].any():
            continue
        box = slice(y, y + height), slice(x, x + width)
        whole = labels[box] == label
        visible = whole & ~last.excluded[box] & ~now.excluded[box]
        for start, proven in (
            (_usual(tracked[box][whole], area), True),
            (_usual(observed[box][visible], area), False),
        ):
            if start is None:
                continue
            margin = max(1, round(MARGIN * rows)) + int(np.ceil(np.abs(start).max()))
            part = _around(x, y, width, height, margin)
            own = (labels[part] == label).astype(np.float32)
            lumas = lumas or (_smooth_luma(last), _smooth_luma(now))
            hidden = last.excluded[part], now.excluded[part]
            step = _measured(own, start, (lumas[0][part], lumas[1][part]), hidden, rows, proven=proven)
            if step is not None:
                arrived = _shifted(own, step) > 0.5
                velocity[part][arrived] = step
                present[part] |= arrived
                uncovered[part] |= own > 0
                break
    present &= now.excluded
    return Moved(velocity, present, uncovered & now.excluded & ~present)


def _usual(velocities: np.ndarray, area: int) -> np.ndarray | None:
    """The median of `N 2` that are not 0, if they are enough for an object of this area, and if it moves."""
    known = velocities[velocities.any(-1)]
    if len(known) < KNOWN_VELOCITY * area:
        return None
    usual = np.median(known, 0)
    return usual if np.abs(usual).max() >= STILL else None


def _measured(
    own: np.ndarray, start: np.ndarray, lumas: Pair, hidden: Pair, rows: int, *, proven: bool
) -> np.ndarray | None:
    """The velocity of an object, corrected by what is visible of it in both frames: the more, the larger its share.

    Args:
        own: float32, 1 where it is in this part of the last frame.
        lumas, hidden: of this part of both frames.
        rows: of the whole frame.
        proven: whether `start` was measured before. Then it holds as long as too little is visible to measure.

    Returns:
        None if the object does not move like that as a whole.
    """
    was, is_now = lumas
    side = 2 * max(1, round(RIM * rows)) + 1
    rim = np.ones((side, side), np.uint8)
    inside = cv2.erode(own * ~hidden[0], rim, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    visible = cv2.erode((~hidden[1]).astype(np.float32), rim)
    step = start
    for _ in range(GAUSS_NEWTON_STEPS):
        weight = _shifted(inside, step) * visible
        share = weight.sum() / own.sum()
        moved = _shifted(was, step)
        slopes = [(weight * cv2.Sobel(moved, cv2.CV_32F, *axis, scale=1 / 8)).ravel() for axis in ((1, 0), (0, 1))]
        normal = np.array([[a @ b for b in slopes] for a in slopes], np.float64)
        least, most = np.linalg.eigvalsh(normal)
        if share < VISIBLE_SHARE or least <= DEFINITE * most:
            return start if proven else None
        error = moved - is_now
        error -= (weight * error).sum() / weight.sum()  # the exposure may differ
        step = step + np.linalg.solve(normal, [a @ error.ravel() for a in slopes])
        if np.abs(step - start).max() > max(1, round(MARGIN * rows)):
            return None
    if np.abs(weight * error).sum() > BETTER * np.abs(weight * (was - is_now)).sum():
        return None
    return start + share * (step - start)


def _smooth_luma(frame: Frame) -> np.ndarray:
    luma = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.GaussianBlur(luma, (0, 0), max(0.5, SMOOTHING * frame.size[0]))


def _shifted(picture: np.ndarray, step: np.ndarray) -> np.ndarray:
    there = np.array([[1, 0, step[0]], [0, 1, step[1]]], np.float32)
    return np.asarray(cv2.warpAffine(picture, there, picture.shape[::-1]))


def _around(x: int, y: int, width: int, height: int, margin: int) -> Box:
    return slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
