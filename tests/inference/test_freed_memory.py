import subprocess
import sys

import pytest

HELD = """
import numpy as np
from restore.inference.freed_memory import reuse_freed_memory

def resident():  # MB
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

if {give}:
    reuse_freed_memory()
del (large := [np.ones(30 << 20, np.uint8)])[:]  # from here on glibc keeps blocks as large as this
before = resident()
blocks = [np.ones(5 << 20, np.uint8) for _ in range(30)]
del blocks[:-1]  # the last one lies above them
print(resident() - before)
"""


def held(*, returned: bool) -> float:
    """MB of 150 that a process still holds, 145 of them freed."""
    done = subprocess.run([sys.executable, "-c", HELD.format(give=returned)], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_freed_blocks_are_returned() -> None:
    assert held(returned=True) < 10
    assert held(returned=False) > 100  # or there is nothing to be gained here
