"""Freed memory is used again, or returned to the system, but not left in pieces that fit nothing.

By default glibc returns the end of the heap after every release above 128 KB, and each page of it costs a fault when a
picture needs it again: a third of all time that is spent outside the networks at 320x240. And it holds freed blocks of
up to 32 MB, which pictures of many sizes fragment.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
RETAINED = 64 << 20  # bytes at the end of the heap that are not returned
LARGE = 4 << 20  # bytes from which a block is mapped for itself, and is gone when it is freed


def reuse_freed_memory() -> None:
    """From now on, in this process. Other C libraries than glibc are left as they are."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, RETAINED)
        mallopt(M_MMAP_THRESHOLD, LARGE)
