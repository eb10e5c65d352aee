from pathlib import Path

import pytest

import inference
from tests.inference.command import Command


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(tiny_weights: Path, out: Path) -> Command:
    """`inference.py` in this process, with tiny weights and `out` for what is not given. Its exit code."""

    def main(**flags: object) -> int:
        flags = {"weights_path": tiny_weights, "output_dir": out, "device": "cpu"} | flags
        argv = []
        for name, value in flags.items():
            argv += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return inference.main(argv)

    return main
