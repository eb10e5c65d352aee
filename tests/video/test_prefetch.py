"""The background thread: order, bounds, failures, and that none is left behind."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from restore.video.prefetch import prefetch
from restore.video.reader import VideoReader
from tests.video.make import make_video


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "prefetch"] == []


@pytest.mark.parametrize("depth", [0, 1, 2, 100])
def test_all_items_in_order(depth: int) -> None:
    assert list(prefetch(range(50), depth)) == list(range(50))
    assert list(prefetch([], depth)) == []


@pytest.mark.parametrize("depth", [1, 3])
def test_runs_ahead_but_not_too_far(depth: int) -> None:
    produced = 0

    def source() -> Iterator[int]:
        nonlocal produced
        while produced < 19:
            produced += 1
            yield produced

    items = prefetch(source(), depth)
    assert next(items) == 1
    deadline = time.monotonic() + 20
    while produced < 1 + depth and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)  # for it to go too far, if it would
    assert produced == 1 + depth
    assert list(items) == list(range(2, 20))


def test_work_overlaps() -> None:
    main = threading.current_thread()

    def source() -> Iterator[bool]:
        yield threading.current_thread() is not main

    assert list(prefetch(source())) == [True]


def test_a_failure_comes_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise RuntimeError("the third frame is bad")

    items = prefetch(source())
    assert (next(items), next(items)) == (1, 2)
    with pytest.raises(RuntimeError, match="the third frame is bad"):
        next(items)


def test_an_early_end_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    items = prefetch(source())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert closed.is_set()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_consumer_closes_the_source(error: type[BaseException]) -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    def consume() -> None:
        for item in prefetch(source()):
            if item == 3:
                raise error

    with pytest.raises(error):
        consume()
    assert closed.is_set()


def test_a_reader_ahead_of_its_consumer(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", range(30))
    with VideoReader(path) as reader:
        assert [frame.pts for frame in prefetch(reader)] == [512 * i for i in range(30)]
    with VideoReader(path) as reader:
        for frame in prefetch(reader):
            if frame.pts > 2000:
                break


def test_depth_is_checked_at_once() -> None:
    with pytest.raises(ValueError, match="depth must be at least 0, got -1"):
        prefetch([1], -1)
