"""A mask drawn in one frame, carried along the motion to others.

Parts that lie apart are followed each on its own: from frame to frame by the translation that brings what it covers
closest to the next frame, then by the flow that is left, computed around it alone and enlarged if it is small: DIS
(Kroeger et al. 2016), as in `propagation/flow.py`. Its outline moves as its inside does, so that what comes into view
behind it is not taken along. The steps are composed into one map, so that the mask is sampled once and does not fray.
"""

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from restore.arrays import dilate, erode, grid, sample
from restore.frame import Frame
from restore.propagation.fill import fill_from_around

REACH = 1 / 8  # of the width: how far something may get from where it was, or was going, from frame to frame
SIDE = 96  # px, to which what is matched is reduced, and what the flow is computed on is enlarged
COARSEST, FINEST = 0.5, 4.0  # times the resolution of the picture, that the flow is computed at
NEARER = 20.0  # squared levels that a match at the end of the reach must be better by
OUTSIDE = 900.0  # squared levels, for a pixel that would lie out of the picture
APART = 1 / 40  # of the height; parts that are closer are one
INSIDE = 0.1  # of the root of its area: how far from the outline the flow of the inside is, 1 to 3 px


def follow(
    mask: np.ndarray, key: int, frames: Iterable[int], frame_at: Callable[[int], Frame]
) -> Iterator[tuple[int, np.ndarray]]:
    """Carry a mask on, frame by frame => the number of each, and the mask there, bool `H W`.

    Args:
        mask: bool `H W`, of frame `key`.
        frames: the numbers next to `key` and on, all upward or all downward, of one scene.
        frame_at: a frame by its number.
    """
    count, labels = cv2.connectedComponents(dilate(mask, round(APART * len(mask))).astype(np.uint8))
    parts = [Part(mask & (labels == label)) for label in range(1, count)]
    last = _luma(frame_at(key))
    for number in frames:
        now = _luma(frame_at(number))
        carried = np.zeros(mask.shape, bool)
        for part in parts:
            carried |= part.step(last, now)
        yield number, carried
        last = now


class Part:
    """One part of a mask.

    Args:
        drawn: bool `H W`, with at least one pixel.
    """

    def __init__(self, drawn: np.ndarray) -> None:
        self._drawn = drawn.astype(np.float32)
        self._where = grid(*drawn.shape)  # of each pixel of the last frame: where it lies in the first, (x, y)
        self._known = np.ones(drawn.shape, np.float32)  # where that was asked for
        self._mask = drawn  # in the last frame
        self._shift = (0, 0)  # the last one, in (x, y)

    def step(self, last: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Where it is now, bool `H W`, from the lumas of the last frame and of this one, uint8 `H W`."""
        if not self._mask.any():
            return self._mask
        self._shift = self._moved(last, now)
        x, y = self._shift
        height, width = now.shape
        left, top, columns, rows = cv2.boundingRect(self._mask.astype(np.uint8))
        margin = max(8, max(columns, rows) // 4)
        part = np.s_[
            max(0, top + y - margin) : max(0, min(height, top + y + rows + margin)),
            max(0, left + x - margin) : max(0, min(width, left + x + columns + margin)),
        ]
        there = grid(height, width)[part] - np.array([x, y], np.float32)
        known, where = np.zeros_like(self._known), self._where.copy()
        if there.size:
            here = sample(self._mask.astype(np.float32), there) > 0.5
            there = there + _flow(now[part], sample(last, there), here)
            inside = ((there >= 0) & (there <= np.array([width - 1, height - 1]))).all(-1)
            known[part] = inside & (sample(self._known, there) > 0.99)
            where[part] = sample(self._where, there)
        self._where, self._known = where, known
        self._mask = (sample(self._drawn, where) > 0.5) & (known > 0)
        return self._mask

    def _moved(self, last: np.ndarray, now: np.ndarray) -> tuple[int, int]:
        """By how many pixels, in (x, y): about where it was going, or about where it is."""
        left, top, columns, rows = cv2.boundingRect(self._mask.astype(np.uint8))
        scale = min(1.0, SIDE / max(columns, rows))
        last, now = (cv2.resize(one, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for one in (last, now))
        mask = cv2.resize(self._mask.astype(np.uint8), last.shape[::-1], interpolation=cv2.INTER_NEAREST)
        left, top, columns, rows = cv2.boundingRect(mask)
        if not columns:
            return 0, 0
        covered, own = (one[top : top + rows, left : left + columns].astype(np.float32) for one in (last, mask))
        reach = max(4, round(REACH * now.shape[1]))
        around, valid = (
            cv2.copyMakeBorder(one, *[2 * reach] * 4, cv2.BORDER_CONSTANT)  # type: ignore[call-overload]
            for one in (now.astype(np.float32), np.ones(now.shape, np.float32))
        )
        away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) / reach
        best, found = np.inf, (0, 0)
        for guess in dict.fromkeys([self._shift, (0, 0)]):
            x, y = (int(np.clip(round(scale * one), -reach, reach)) for one in guess)
            window = np.s_[
                top + y + reach : top + y + rows + 3 * reach, left + x + reach : left + x + columns + 3 * reach
            ]
            errors = _squares(around[window], valid[window], covered, own) / own.sum() + NEARER * away
            row, column = np.unravel_index(errors.argmin(), errors.shape)
            if errors[row, column] < best:
                best = float(errors[row, column])
                found = round((x + column - reach) / scale), round((y + row - reach) / scale)
        return found


def _squares(picture: np.ndarray, valid: np.ndarray, template: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The sum of squared differences of a template, where its mask is 1, at each place in a picture, float32; for each
    pixel where the picture is not valid, `OUTSIDE`.
    """

    def correlated(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return cv2.matchTemplate(one, other, cv2.TM_CCORR)

    own = mask * template
    known = correlated(valid, own * template) - 2 * correlated(valid * picture, own)
    return known + correlated(valid * picture**2, mask) + OUTSIDE * correlated(1 - valid, mask)


def _luma(frame: Frame) -> np.ndarray:
    return cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)


def _flow(now: np.ndarray, last: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where each pixel lies in the last luma, float32 `h w 2`: as the inside of the mask moved.

    Args:
        now, last: uint8 `h w`.
        mask: bool `h w`, about where it is now.
    """
    scale = float(np.clip(SIDE / min(now.shape), COARSEST, FINEST))
    size = tuple(max(16, round(scale * side)) for side in now.shape[::-1])
    pair = (cv2.GaussianBlur(cv2.resize(one, size, interpolation=cv2.INTER_CUBIC), (0, 0), 1) for one in (now, last))
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    enlarged = np.array([size[0] / now.shape[1], size[1] / now.shape[0]], np.float32)
    flow: np.ndarray = cv2.resize(dis.calc(*pair, None), now.shape[::-1])  # type: ignore[call-overload]
    flow = flow / enlarged
    inside = erode(mask, int(np.clip(INSIDE * np.sqrt(mask.sum()), 1, 3)))
    return fill_from_around(flow, inside) if inside.any() else flow
