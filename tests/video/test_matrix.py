"""Every container with every property: what goes in comes out, packet by packet and to the millisecond."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.video.make import MILLI
from tests.video.matrix import CASES, Property, make, measured, rewritten


def test_the_matrix_is_large() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("suffix", "which"), CASES, ids=[f"{suffix[1:]}, {which.name}" for suffix, which in CASES])
def test_what_goes_in_comes_out(tmp_path: Path, suffix: str, which: Property) -> None:
    path = make(tmp_path / f"clip{suffix}", which)
    output, named = rewritten(path, tmp_path)
    odd = "size" in which.options and output.suffix not in (".avi", ".webm")
    assert [line[:18] for line in named] == ["H.264 holds 97x73,"] * odd
    before, after = measured(path), measured(output)
    tolerance = MILLI if output.suffix in (".mkv", ".webm") else Fraction(0)
    assert len(after["times"]) == len(before["times"]) == 10
    for old, new in zip(before["times"], after["times"], strict=True):
        assert abs(old - new) <= tolerance
    assert abs(before["end"] - after["end"]) <= 2 * MILLI
    assert abs(before["duration"] - after["duration"]) <= 25 * MILLI or suffix == ".ts"
    assert after["shape"] == before["shape"] == which.options.get("shape", 1)
    assert after["size"] == before["size"] == which.options.get("size", (96, 72))
    assert after["bits"] == before["bits"] == (10 if "pix_fmt" in which.options else 8)
    if suffix != ".avi":  # which states no colours
        assert after["colours"] == before["colours"]
    assert len(after["sound"]) == which.options.get("sounds", 1)
    assert after["sound"] == before["sound"]
