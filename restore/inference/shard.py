"""The share of a command's videos that one process restores, where several were started for the same command: the tasks
of a Slurm array, or what `torchrun` started.
"""

import os
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Every N-th video, from the K-th on.

    Attributes:
        number: K, from 1 to N.
        of: N; by default all videos are one share.

    >>> [*Shard(2, 3).indices(8)]
    [1, 4, 7]
    """

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number} of {self.of}"

    def indices(self, count: int) -> range:
        """Of the share, among `count` videos."""
        return range(self.number - 1, count, self.of)


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """`K/N`.

    Raises:
        ValueError: it is none, or K is not in 1 to N.

    >>> parse_shard("2/4")
    Shard(number=2, of=4)
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    shard = Shard(*map(int, match.groups())) if match else None
    if shard is None or not 1 <= shard.number <= shard.of:
        raise ValueError(f"shard is {text!r}, expected K/N with K from 1 to N, as 1/4 to 4/4 of four processes")
    return shard


def shard_of_torchrun() -> Shard | None:
    """This process's among those that `torchrun`, or `accelerate launch`, started; None where there are no several."""
    rank, count = (int(os.environ.get(name, 0)) for name in ("RANK", "WORLD_SIZE"))
    return Shard(rank + 1, count) if count > 1 else None
