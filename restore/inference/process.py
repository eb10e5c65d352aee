"""What is set for a whole process that restores videos: of the command line, or a worker of a cluster."""

import logging
import warnings

from restore.errors import printable
from restore.inference.freed_memory import reuse_freed_memory
from restore.waiting_threads import let_waiting_threads_sleep


def set_up_process(program: str) -> None:
    """To be called before torch is imported. What is logged, and warnings, are lines that begin with `program`."""
    reuse_freed_memory()
    let_waiting_threads_sleep()
    logging.basicConfig(format=f"{program}: %(message)s", force=True)
    logging.getLogger("restore").setLevel(logging.INFO)
    warnings.formatwarning = lambda message, *_: f"{program}: {printable(str(message))}\n"
