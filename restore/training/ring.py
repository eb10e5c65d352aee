"""The last of what was prepared, to learn from more than once: preparing it takes longer than a step."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Ring:
    """Items, each of the same tensors of the same sizes; the oldest make room.

    Args:
        capacity: how many are held.
        device: where.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.capacity, self.device = capacity, device
        self.held: list[Tensor] = []
        self.added = 0  # items, ever

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, parts: Sequence[Tensor]) -> None:
        """Take up items: each part `N ...`.

        >>> ring = Ring(2, torch.device("cpu"))
        >>> ring.add([torch.arange(3)])
        >>> sorted(ring.draw(2, generator=torch.Generator())[0].tolist())
        [1, 2]
        """
        if not self.held:
            self.held = [part.new_empty(self.capacity, *part.shape[1:], device=self.device) for part in parts]
        slots = (torch.arange(len(parts[0])) + self.added) % self.capacity
        for held, new in zip(self.held, parts, strict=True):
            held[slots] = new.to(self.device)
        self.added += len(slots)

    def draw(self, count: int, *, generator: torch.Generator) -> list[Tensor]:
        """`count` items, or all if there are fewer: each part `count ...`.

        Args:
            generator: a CPU generator.
        """
        assert self.held, "nothing was added"
        drawn = torch.randperm(len(self), generator=generator)[:count].to(self.device)
        return [part[drawn] for part in self.held]
