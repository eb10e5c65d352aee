"""What is restored remains when a program stops for a reason that no one expects."""

from collections.abc import Iterator
from typing import TypeVar

from restore.errors import RestoreError
from restore.inference.memory import is_out_of_memory

T = TypeVar("T")


def until_crash(frames: Iterator[T], crashes: list[str]) -> Iterator[T]:
    """The frames up to an exception that no one expects, which is noted: what was restored before it is kept."""
    some = False
    try:
        for frame in frames:
            yield frame
            some = True
    except RestoreError:
        raise
    except Exception as error:
        if not some or is_out_of_memory(error):  # which is restored again, in less
            raise
        crashes.append(f"restoring stopped ({type(error).__name__}: {error})")
