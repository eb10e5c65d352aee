"""Cut a stream into overlapping stretches of consecutive items, and fade their results into one stream again.

    for frame in crossfade((stretch.weights, process(stretch.items)) for stretch in stretches(frames, ...)): ...

Results differ a little from one stretch to the next. Where two overlap, one fades into the other: in float32, so that
the caller rounds once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Stretch(Generic[T]):
    """Consecutive items of one scene.

    Attributes:
        items: the items.
        weights: float32, one an item, in [0, 1]: its share in the result. Over all stretches the weights of an item
            sum to 1. An item of weight 0 is there as context only.
        first: number of the first item in the stream, counted from 0.
    """

    items: list[T]
    weights: np.ndarray
    first: int

    @property
    def last(self) -> int:
        """Number of the last item in the stream."""
        return self.first + len(self.items) - 1


def stretches(items: Iterable[T], *, length: int, overlap: int, cut: Callable[[T, T], bool]) -> Iterator[Stretch[T]]:
    """Yield stretches of `length` items, neighbours sharing `overlap`, none across a scene cut.

    A shorter scene is one stretch. In any other each stretch holds `length` items: the last begins as much earlier as
    that takes, and items that the stretch before it has finished weigh 0 in it. `length` items are held, and one is
    read ahead.

    Args:
        items: any number of items.
        cut: called with an item and the one after it; whether a new scene begins between them.

    Raises:
        ValueError: `length` is less than 1, or `overlap` less than 0 or more than half of `length`.

    >>> for stretch in stretches("abcdefGH", length=4, overlap=1, cut=lambda a, b: a.islower() and b.isupper()):
    ...     print(stretch.first, stretch.items, stretch.weights.tolist())
    0 ['a', 'b', 'c', 'd'] [1.0, 1.0, 1.0, 0.5]
    2 ['c', 'd', 'e', 'f'] [0.0, 0.5, 1.0, 1.0]
    6 ['G', 'H'] [1.0, 1.0]
    """
    if length < 1 or overlap < 0 or 2 * overlap > length:
        raise ValueError(f"need length >= 1 and 0 <= overlap <= length / 2, got {length}, {overlap}")
    held: deque[T] = deque(maxlen=length)  # the last items of the scene
    fresh = 0  # how many of them no stretch held before
    for number, item in enumerate(items):
        ends = bool(held) and cut(held[-1], item)
        first = fresh == len(held)
        if ends or fresh == (length if first else length - overlap):
            yield Stretch(list(held), _weights(len(held), fresh, overlap, followed=not ends), number - len(held))
            fresh = 0
        if ends:
            held.clear()
        held.append(item)
        fresh += 1
    if held:
        yield Stretch(list(held), _weights(len(held), fresh, overlap, followed=False), number + 1 - len(held))


def crossfade(processed: Iterable[tuple[np.ndarray, Sequence[np.ndarray]]]) -> Iterator[np.ndarray]:
    """Yield each item's result once, in order, blended over the stretches that hold it: float32.

    Where two stretches agree in a pixel, the blend is that value bit for bit. At most one overlap is held.

    Args:
        processed: for each stretch, in order, its weights and the results of its items, arrays of any shape.

    Raises:
        ValueError: a stretch has not as many results as weights.

    >>> shares = np.array([1, 0.5], np.float32)
    >>> dark, light = np.float32([10]), np.float32([20])
    >>> [item.tolist() for item in crossfade([(shares, [dark, dark]), (shares[::-1], [light, light])])]
    [[10.0], [15.0], [20.0]]
    """
    fading: deque[np.ndarray] = deque()  # the earlier stretch's results of the items that both hold
    for weights, results in processed:
        earlier, fading = fading, deque()
        for weight, result in zip(weights, results, strict=True):
            result = np.asarray(result, np.float32)
            if weight == 0:
                continue
            if earlier:
                before = earlier.popleft()
                # The weights sum to 1: before * (1 - weight) + result * weight, exact where both agree.
                yield before + weight * (result - before)
            elif weight == 1:
                yield result
            else:
                fading.append(result)


def _weights(count: int, fresh: int, overlap: int, *, followed: bool) -> np.ndarray:
    """The weights of a stretch of `count` items: up over the last `overlap` of those that the stretch before it holds
    too, and down over its own last `overlap` if another follows.
    """
    rise = np.arange(1, overlap + 1, dtype=np.float32) / np.float32(overlap + 1)
    weights, old = np.ones(count, np.float32), count - fresh
    if old:
        weights[: old - overlap] = 0
        weights[old - overlap : old] = rise
    if followed:
        weights[count - overlap :] = 1 - rise
    return weights
