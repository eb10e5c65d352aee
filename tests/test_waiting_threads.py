import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("program", ["inference.py", "train.py", "restore/__main__.py"])
@pytest.mark.parametrize(("own", "wanted"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_decides(program: str, own: str | None, wanted: str) -> None:
    """It is decided before torch is imported, which reads it once."""
    code = f"""
import os, runpy, sys
sys.argv[1:] = ["--help"]
try:
    runpy.run_path({str(ROOT / program)!r}, run_name="__main__")
except SystemExit:
    print("decided", os.environ.get("OMP_WAIT_POLICY"), "torch" in sys.modules)
"""
    others = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=others | ({} if own is None else {"OMP_WAIT_POLICY": own}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"decided {wanted} False"
