"""Windows partition the stream, whatever its length."""

import itertools
from collections.abc import Iterator

import pytest

from restore.video.windows import windows

SIZES = [(1, 0, 0), (1, 2, 3), (3, 0, 0), (4, 2, 2), (5, 1, 0), (5, 0, 7), (8, 20, 1)]


@pytest.mark.parametrize(("length", "before", "after"), SIZES)
@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 23])
def test_cores_partition_the_stream(total: int, length: int, before: int, after: int) -> None:
    result = list(windows(range(total), length, before, after))
    assert list(itertools.chain.from_iterable(window.core for window in result)) == list(range(total))
    assert len(result) == -(-total // length)
    for window in result:
        assert window.items[window.start] == window.first
        assert window.core == window.items[window.start : window.stop]
        assert window.items == list(range(max(0, window.first - before), min(total, window.first + length + after)))


@pytest.mark.parametrize(("length", "before", "after"), SIZES)
def test_no_more_is_taken_from_the_stream_than_a_window_needs(length: int, before: int, after: int) -> None:
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        while taken < 60:
            taken += 1
            yield taken

    for window in windows(count(), length, before, after):
        assert len(window.items) <= before + length + after
        assert taken <= window.first + length + after


@pytest.mark.parametrize(("length", "before", "after"), [(0, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_impossible_windows(length: int, before: int, after: int) -> None:
    with pytest.raises(ValueError, match="need length >= 1, before >= 0, after >= 0, got"):
        next(windows([1], length, before, after))
