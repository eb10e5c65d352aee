"""Cut a stream into consecutive windows, each with context from its neighbours, holding one of them in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Window(Generic[T]):
    """`items[start:stop]` is the core, the rest is context; `first` is the index of the core in the whole stream."""

    items: list[T]
    start: int
    stop: int
    first: int

    @property
    def core(self) -> list[T]:
        return self.items[self.start : self.stop]


def windows(frames: Iterable[T], length: int, before: int = 0, after: int = 0) -> Iterator[Window[T]]:
    """Yield windows whose cores, `length` items each (the last may be shorter), partition `frames` exactly.

    A window carries up to `before` items of context ahead of its core and `after` behind it, fewer at the ends of the
    stream. At most `before + length + after` items are held.

    Raises:
        ValueError: `length` is less than 1, or `before` or `after` less than 0.

    >>> [(w.items, w.core, w.first) for w in windows("abcde", 2, 1, 1)]
    [(['a', 'b', 'c'], ['a', 'b'], 0), (['b', 'c', 'd', 'e'], ['c', 'd'], 2), (['d', 'e'], ['e'], 4)]
    """
    if length < 1 or before < 0 or after < 0:
        raise ValueError(f"need length >= 1, before >= 0, after >= 0, got {length}, {before}, {after}")
    items: list[T] = []
    start = first = 0  # of the next core: within `items`, and in the whole stream
    for item in frames:
        items.append(item)
        if len(items) == start + length + after:
            yield Window(list(items), start, start + length, first)
            first += length
            keep = max(0, start + length - before)
            del items[:keep]
            start += length - keep
    while start < len(items):
        stop = min(start + length, len(items))
        end = min(stop + after, len(items))
        yield Window(items[max(0, start - before) : end], min(start, before), stop - max(0, start - before), first)
        first += stop - start
        start = stop
