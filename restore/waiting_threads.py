"""Threads that wait sleep, and leave their core to those that work.

OpenMP's threads spin for a while where they wait for one another. On a machine that does anything else, that is taken
from what they wait for.
"""

import os


def let_waiting_threads_sleep() -> None:
    """In this process, if the user has not decided it by `OMP_WAIT_POLICY`. To be called before torch is imported."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
