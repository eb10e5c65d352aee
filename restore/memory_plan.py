"""How much of a video is in memory at once. Whatever the plan, what is restored is the same."""

from dataclasses import dataclass
from typing import TypeVar

from restore.shelf import Shelf

AHEAD = 4  # frames that a stage computes ahead of their use

T = TypeVar("T")


@dataclass(frozen=True)
class MemoryPlan:
    """Args:
    rows: of the strips that networks compute large pictures in, a multiple of 16; None computes them whole.
    threads: stages run ahead of each other in threads of their own; else one by one, and hold no more than they need.
    shelf: where frames lie that wait for others; None keeps them in memory.

    >>> MemoryPlan().ahead, MemoryPlan(threads=False).ahead
    (4, 0)
    """

    rows: int | None = None
    threads: bool = True
    shelf: Shelf | None = None

    @property
    def ahead(self) -> int:
        """Frames that a stage computes ahead of their use."""
        return AHEAD if self.threads else 0

    def put(self, record: T) -> T:
        """A record that is to wait; the same."""
        return record if self.shelf is None else self.shelf.put(record)

    def rest(self) -> None:
        """What waits is not used for a while."""
        if self.shelf is not None:
            self.shelf.rest()


WHOLE = MemoryPlan()
