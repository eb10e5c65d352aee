"""How much of a video is in memory at once. Whatever the plan, what is restored is the same."""

from dataclasses import dataclass

AHEAD = 4  # frames that a stage computes ahead of their use


@dataclass(frozen=True)
class MemoryPlan:
    """Args:
    rows: of the strips that networks compute large pictures in, a multiple of 16; None computes them whole.
    threads: stages run ahead of each other in threads of their own; else one by one, and hold no more than they need.

    >>> MemoryPlan().ahead, MemoryPlan(threads=False).ahead
    (4, 0)
    """

    rows: int | None = None
    threads: bool = True

    @property
    def ahead(self) -> int:
        """Frames that a stage computes ahead of their use."""
        return AHEAD if self.threads else 0


WHOLE = MemoryPlan()
