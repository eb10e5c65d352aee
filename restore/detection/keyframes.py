"""Which frames the segmenter looks at: every fourth, and those between that it would see differently.

What lies on a lens is there for long, and most video has nothing before it at all. So frames between two key frames
of a scene are given what lies between their logits; of kinds that stay, the median of three key frames. The segmenter
looks at all of them where the key frames disagree on what moves, is brief or comes at once, as boxes, scratches and
text do, and at single ones that differ from both of their neighbours.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from restore.detection.fuse import HIGH, HIGH_SHARE, temporal_median
from restore.kinds import BOXES, KINDS

AGREED_IOU = 0.8  # of what two key frames are certain of, from which they agree
MOVING = np.isin(KINDS, ["boxes", "scratches", "text"])  # by kind: elsewhere in the next frame, gone, or just there


class Segmented(Protocol):
    """A frame with the segmenter's logits, float32 `H W`, and the index of the kind at each pixel, uint8 `H W`."""

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
        if looked_at := [index for index in between if differ or stretch.brief(index)]:
            stretch.look(looked_at)
        for index in sorted({*between} - {*looked_at}):
            interpolate(key, following, (index - span.first) / (span.stop - span.first), stretch.frames[index])
    yield from stretch.frames[span.first : span.stop]


def agree(first: Segmented, second: Segmented) -> bool:
    """Whether two frames have nearly the same pixels that are certain to be of a kind that is not there for long."""
    one, other = (frame.segmenter > np.where(MOVING, HIGH, np.inf).take(frame.kinds) for frame in (first, second))
    either = np.count_nonzero(one | other)
    return bool(np.count_nonzero(one ^ other) <= max(HIGH_SHARE * one.size, (1 - AGREED_IOU) * either))


def interpolate(first: Segmented, second: Segmented, share: float, frame: Segmented) -> None:
    """Set what a frame has that lies `share` of the way from the first key frame to the second.

    Of boxes, which move, the greater logit: the finder says where between the two they are.
    """
    nearer = first if share <= 0.5 else second
    frame.kinds = nearer.kinds
    frame.segmenter = first.segmenter + np.float32(share) * (second.segmenter - first.segmenter)
    boxes = (first.kinds == BOXES) | (second.kinds == BOXES)
    if boxes.any():
        np.maximum(first.segmenter, second.segmenter, out=frame.segmenter, where=boxes)
