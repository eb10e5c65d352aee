"""Random numbers as floats, always from a CPU generator: the same seed draws the same on any device."""

import math

import torch


def uniform(generator: torch.Generator, least: float, most: float) -> float:
    """One number, uniform in [least, most)."""
    return least + (most - least) * torch.rand((), generator=generator).item()


def log_uniform(generator: torch.Generator, least: float, most: float) -> float:
    """One number in [least, most), each doubling as likely as any other.

    >>> 1 <= log_uniform(torch.Generator(), 1, 8) < 8
    True
    """
    return math.exp(uniform(generator, math.log(least), math.log(most)))


def integer(generator: torch.Generator, least: int, most: int) -> int:
    """One whole number, uniform in [least, most]."""
    return int(torch.randint(least, most + 1, (), generator=generator))


def frame_generators(generator: torch.Generator, *, first: int, frames: int) -> list[torch.Generator]:
    """A generator for each frame, for what is drawn anew in each; a frame's does not depend on where a clip starts.

    >>> clip = frame_generators(torch.Generator().manual_seed(3), first=0, frames=5)
    >>> later = frame_generators(torch.Generator().manual_seed(3), first=4, frames=1)
    >>> torch.equal(torch.rand(2, generator=clip[4]), torch.rand(2, generator=later[0]))
    True
    """
    seed = integer(generator, 0, 2**31 - 2)
    return [torch.Generator().manual_seed(seed + first + index) for index in range(frames)]
