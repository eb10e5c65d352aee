"""Run an iterator ahead of its consumer, in a thread: decoding overlaps with the model's work."""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def prefetch(iterable: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """Yield the items of `iterable`, up to `depth` of them computed ahead in a background thread; at 0 each is computed
    when it is asked for, in the caller's.

    An exception in the thread is raised here, after the items that came before it. When the consumer stops early
    (`close()`, an exception, Ctrl-C), the thread finishes the item at hand, closes the source's generator, and ends.
    What the source reads from must outlive this iterator: loop over it directly, or close it first.

    Raises:
        ValueError: `depth` is less than 0.

    >>> list(prefetch(range(3)))
    [0, 1, 2]
    """
    if depth < 0:
        raise ValueError(f"depth must be at least 0, got {depth}")
    return _prefetch(iterable, depth) if depth else _one_by_one(iterable)


def _one_by_one(iterable: Iterable[T]) -> Generator[T, None, None]:
    source = iter(iterable)
    try:
        yield from source
    finally:
        if hasattr(source, "close"):
            source.close()


def _prefetch(iterable: Iterable[T], depth: int) -> Generator[T, None, None]:
    results: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue()
    room = threading.Semaphore(depth)
    stop = threading.Event()

    def work() -> None:
        try:
            source = iter(iterable)
            try:
                while room.acquire() and not stop.is_set():
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    results.put(("item", item))
            finally:
                if hasattr(source, "close"):
                    source.close()
        except BaseException as error:  # whatever it is, it belongs to the consumer
            results.put(("error", error))
        else:
            results.put(("end", None))

    # A daemon: a traceback kept by the interpreter may keep this generator open past the end of the program.
    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = results.get()
            if kind == "item":
                room.release()
                yield value  # type: ignore[misc]
            elif kind == "error":
                raise value  # type: ignore[misc]
            else:
                return
    finally:
        stop.set()
        room.release()
        thread.join()
