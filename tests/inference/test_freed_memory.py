import subprocess
import sys

import pytest

HELD = """
import numpy as np
from restore.inference.freed_memory import give_freed_memory_back

def resident():  # MB
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

if {give}:
    give_freed_memory_back()
del (large := [np.ones(30 << 20, np.uint8)])[:]  # from here on glibc keeps blocks as large as this
before = resident()
blocks = [np.ones(3 << 20, np.uint8) for _ in range(50)]
del blocks[:-1]  # the last one lies above them
print(resident() - before)
"""


def held(*, give: bool) -> float:
    """MB of 150 that a process still holds, 147 of them freed."""
    done = subprocess.run([sys.executable, "-c", HELD.format(give=give)], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_is_freed_is_given_back() -> None:
    assert held(give=True) < 10
    assert held(give=False) > 100  # or there is nothing to be gained here
