"""How much memory a restoration may take, and the plan that keeps within it: chosen from one measured table."""

import math
import mmap
import resource
from dataclasses import dataclass
from pathlib import Path

import torch

from restore.errors import ConfigError
from restore.inference.memory_size import in_words
from restore.memory_plan import MemoryPlan
from restore.shelf import Shelf

ROWS = 128  # of a strip; fewer overlap more: these take a third more work than the whole


@dataclass(frozen=True)
class Step:
    """A plan and what it takes at most; each takes less than the one before it, and longer.

    Attributes:
        rows: of the strips that networks compute; None computes pictures whole.
        threads: whether stages run ahead of each other.
        in_files: whether frames that wait lie in files.
        found, given: bytes a pixel, where what hides the scene is looked for, and where it is given.
    """

    rows: int | None
    threads: bool
    in_files: bool
    found: int
    given: int

    def bytes(self, pixels: int, *, finds: bool) -> int:
        """At most, of a process that restores pictures of so many pixels."""
        return PROCESS + pixels * (self.found if finds else self.given)

    def plan(self, folder: Path) -> MemoryPlan:
        """The plan; files lie in the `folder`."""
        return MemoryPlan(self.rows, self.threads, Shelf(folder) if self.in_files else None)


# Measured by `benchmarks/memory.py`, and a little more; a mask that is given takes no more than looking for one.
PROCESS = 1_880_000_000  # bytes: interpreter, libraries, models, what ncnn computes pictures of 640x480 in
STEPS = (
    Step(None, True, False, found=2000, given=2000),
    Step(ROWS, False, False, found=750, given=750),
    Step(ROWS, False, True, found=420, given=420),
)


class Memory:
    """How much of it a restoration may take, and the step that it is at: the next one each time it runs out.

    Args:
        most: bytes of the whole process; by default what is free when a plan is made.
        strips: rows of strips that it is restored in; with fewer only where less is free. None: whole if it fits.

    Raises:
        ValueError: no step has strips of so many rows.
    """

    def __init__(self, most: int | None = None, *, strips: int | None = None) -> None:
        self._most = most
        steps = [number for number, step in enumerate(STEPS) if step.rows == strips]
        if not steps:
            raise ValueError(f"strips is {strips}, expected one of {[step.rows for step in STEPS]}")
        self._step = steps[0]

    def plan(self, height: int, width: int, *, finds: bool, folder: Path) -> MemoryPlan:
        """The largest that fits, of those that are left; by default else the least.

        Args:
            finds: whether what hides the scene is looked for.
            folder: where its files lie.

        Raises:
            ConfigError: none fits into what was given, and the line says how much the least takes.
        """
        needed = [step.bytes(height * width, finds=finds) for step in STEPS]
        if self._most is not None and needed[-1] > self._most:
            raise ConfigError(
                f"max_memory is {in_words(self._most)}, and a video of {width}x{height} takes {in_words(needed[-1])} "
                "at least; give as much, or leave it out"
            )
        allowed = self._most or free_memory()
        while self._step < len(STEPS) - 1 and needed[self._step] > allowed:
            self._step += 1
        return STEPS[self._step].plan(folder)

    def ran_out(self) -> bool:
        """The next plan is to take less than the last one; False if there is none that does."""
        self._step += 1
        return self._step < len(STEPS)


def free_memory() -> float:
    """Bytes that this process may have: its own, and those that are free, of the machine, of its control group, and of
    the address space that it may have (`ulimit -v`); infinite where the system does not tell (it is not Linux).
    """
    try:
        addresses, own = (int(pages) * mmap.PAGESIZE for pages in Path("/proc/self/statm").read_text().split()[:2])
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    limits = _control_groups()
    most_addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most_addresses != resource.RLIM_INFINITY:
        limits.append((most_addresses, addresses))
    return own + min([free, *(max(0, limit - used) for limit, used in limits)])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, in whichever library."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error).lower()
    return any(phrase in said for phrase in OUT_OF_MEMORY)


# Of PyTorch's allocator, oneDNN, OpenCV, FFmpeg and ncnn, in what they raise.
OUT_OF_MEMORY = (
    "not enough memory",
    "out of memory",
    "could not create a primitive",
    "failed to allocate",
    "insufficient memory",
    "cannot allocate memory",
    "ncnn failed with -100",
)


def _control_groups() -> list[tuple[int, int]]:
    """Limit and use in bytes of the control groups that have a limit (Linux)."""
    pairs = []
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            pairs.append((int(Path(limit).read_text()), int(Path(used).read_text())))
        except (OSError, ValueError):  # none, or `max`
            continue
    return pairs
