"""What runs out of memory is restored again in less, as if it had been planned so."""

import gc
import warnings
from collections.abc import Callable
from typing import TypeVar

import torch

from restore.errors import RestoreError
from restore.inference.memory import Memory, is_out_of_memory

T = TypeVar("T")


def until_it_fits(restore: Callable[[], T], memory: Memory) -> T:
    """What `restore` returns, called again with less of the `memory` that it plans with each time it runs out.

    Raises:
        RestoreError: it ran out with the least that is possible.
    """
    while True:
        try:
            return restore()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said = f"out of memory ({' '.join(str(error).split())[:100] or type(error).__name__})"
        if not memory.ran_out():
            raise RestoreError(f"{said}, with the least that restoring takes; free some, and the same command goes on")
        warnings.warn(f"{said}; restoring again with less", stacklevel=2)
        gc.collect()  # what the failed attempt held
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
