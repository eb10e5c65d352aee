"""Which frames the segmenter looks at: every fourth, and those between that it would see differently.

What lies on a lens is there for long, and most video has nothing before it at all. So frames between two key frames
of a scene are given what lies between their logits; of kinds that stay, the median of three key frames. Where the
finder, which looks at every frame, sees the boxes that the segmenter sees in key frames, it tells where they are
between. The segmenter looks at all frames where the key frames disagree on what else moves, is brief or comes at once,
as boxes, scratches and text do, and at single ones that differ from both of their neighbours.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import cv2
import numpy as np

from restore.detection.fuse import HIGH, HIGH_SHARE, TRACE, agreed_boxes, temporal_median
from restore.kinds import BOXES, KINDS

AGREED_IOU = 0.8  # of what two key frames are certain of, from which they agree
MOVING = np.isin(KINDS, ["boxes", "scratches", "text"])  # by kind: elsewhere in the next frame, gone, or just there


RIM = 2  # px by which the two networks' edges of a box may differ
REACH = 1 / 20  # of the shorter side: a box is no further from where a key frame has it


class Segmented(Protocol):
    """A frame with the logits of both networks, float32 `H W`, and the index of the kind at each pixel, uint8 `H W`."""

    finder: np.ndarray
    segmenter: np.ndarray
    kinds: np.ndarray


S = TypeVar("S", bound=Segmented)
Look = Callable[[Sequence[int]], None]  # sets what the segmenter makes of some frames of a stretch, by their index


@dataclass(frozen=True)
class Stretch(Generic[S]):
    """Consecutive frames of one scene: at most as many as lie between two key frames, and the first is one.

    Attributes:
        look: runs the segmenter over some of the frames.
        brief: whether something is in a frame and in neither of its neighbours.
        ends: the scene ends with them.
    """

    frames: Sequence[S]
    look: Look
    brief: Callable[[int], bool]
    ends: bool


@dataclass(frozen=True)
class _Span(Generic[S]):
    """A key frame of a stretch, `first`, and the frames up to the next key frame, those before `stop`.

    Attributes:
        raw: the key frame's logits as the segmenter gave them.
    """

    stretch: Stretch[S]
    first: int
    stop: int
    raw: np.ndarray

    @property
    def key(self) -> S:
        return self.stretch.frames[self.first]


def between_keyframes(stretches: Iterable[Stretch[S]]) -> Iterator[S]:
    """The frames of all stretches, in order, each with logits and kinds; a span waits for two more key frames."""
    spans: list[_Span[S]] = []  # of one scene: the last that was given, for its key frame, and those that wait
    for stretch in stretches:
        last = len(stretch.frames) - 1
        keys = sorted({0, last}) if stretch.ends else [0]
        stretch.look(keys)
        for first, stop in zip(keys, [*keys[1:], last + 1], strict=True):
            spans = [*spans[-2:], _Span(stretch, first, stop, stretch.frames[first].segmenter)]
            if len(spans) == 3:
                _filter(*spans)
                yield from _frames(spans[0], spans[1].key)
        if stretch.ends:
            *before, final = spans[-2:]
            for span in before:
                yield from _frames(span, final.key)
            yield from _frames(final, None)
            spans = []


def _filter(previous: _Span[S], now: _Span[S], following: _Span[S]) -> None:
    """Take the median of three key frames for the middle one, where it is of a kind that stays."""
    kinds = now.key.kinds
    filtered = temporal_median(previous.raw, now.raw, following.raw, kinds)
    now.key.segmenter = np.where(MOVING.take(kinds), now.raw, filtered)


def _frames(span: _Span[S], following: S | None) -> Iterator[S]:
    """The frames of a span: its key frame, and those between it and the `following` one."""
    stretch, key, between = span.stretch, span.key, range(span.first + 1, span.stop)
    if between and following is not None:
        differ = not agree(key, following)
        looked_at = [
            index
            for index in between
            if differ or stretch.brief(index) or strays(key, following, stretch.frames[index])
        ]
        if looked_at:
            stretch.look(looked_at)
        for index in sorted({*between} - {*looked_at}):
            interpolate(key, following, (index - span.first) / (span.stop - span.first), stretch.frames[index])
    yield from stretch.frames[span.first : span.stop]


def agree(first: Segmented, second: Segmented) -> bool:
    """Whether two frames have nearly the same pixels that are certain to be of a kind that is not there for long, but
    for boxes that the finder sees too.
    """
    one, other = (
        (frame.segmenter > np.where(MOVING, HIGH, np.inf).take(frame.kinds)) & ~_around(_confirmed(frame), RIM)
        for frame in (first, second)
    )
    either = np.count_nonzero(one | other)
    return bool(np.count_nonzero(one ^ other) <= max(HIGH_SHARE * one.size, (1 - AGREED_IOU) * either))


def strays(first: Segmented, second: Segmented, frame: Segmented) -> bool:
    """Whether the finder sees something in a frame between two key frames that it sees near there in neither."""
    seen = frame.finder > 0
    if not seen.any():
        return False
    known = _around((first.finder > 0) | (second.finder > 0), _reach(seen))
    return bool(np.count_nonzero(seen & ~known) > HIGH_SHARE * seen.size)


def interpolate(first: Segmented, second: Segmented, share: float, frame: Segmented) -> None:
    """Set what a frame has that lies `share` of the way from the first key frame to the second.

    Of boxes the greater logit; where boxes move that the finder sees in the key frames, what it sees in this one.
    """
    nearer = first if share <= 0.5 else second
    frame.kinds = nearer.kinds
    frame.segmenter = first.segmenter + np.float32(share) * (second.segmenter - first.segmenter)
    boxes = (first.kinds == BOXES) | (second.kinds == BOXES)
    if not boxes.any():
        return
    np.maximum(first.segmenter, second.segmenter, out=frame.segmenter, where=boxes)
    moved = _moved(_confirmed(first), _confirmed(second))
    if moved.any():
        near, seen = _around(moved, _reach(moved)), frame.finder > 0
        np.maximum(frame.segmenter, frame.finder, out=frame.segmenter, where=near & seen)
        np.minimum(frame.segmenter, TRACE, out=frame.segmenter, where=near & boxes & ~seen)
        frame.kinds = np.where(near & seen, np.uint8(BOXES), frame.kinds)


def _moved(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where one mask is and the other is not, bool `H W`, but for lines of `RIM` pixels: edges flicker in noise."""
    differ = (first ^ second).view(np.uint8)
    return cv2.morphologyEx(differ, cv2.MORPH_OPEN, np.ones((RIM + 1, RIM + 1), np.uint8)).view(bool)


def _confirmed(frame: Segmented) -> np.ndarray:
    """Where both networks see a box, bool `H W`."""
    boxes = agreed_boxes(frame.finder, frame.segmenter, frame.kinds)
    return np.zeros(frame.kinds.shape, bool) if boxes is None else boxes


def _around(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask, bool `H W`, and all within so many pixels of it, across and down."""
    if not mask.any():
        return mask
    square = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.dilate(mask.view(np.uint8), square).view(bool)


def _reach(mask: np.ndarray) -> int:
    return round(REACH * min(mask.shape))
