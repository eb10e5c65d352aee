"""Freed memory goes back to the system: glibc keeps freed blocks of up to 32 MB, and pictures fragment them."""

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE = 1 << 20  # bytes from which a block is mapped for itself, and is gone when it is freed


def give_freed_memory_back() -> None:
    """From now on, in this process. Other C libraries than glibc are left as they are."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
