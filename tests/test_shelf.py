import errno
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from restore.errors import RestoreError
from restore.frame import Frame
from restore.shelf import LEAST, Shelf

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def some_frame(level: int) -> Frame:
    """39 MB of arrays, at 1920x1080."""
    frame = Frame(np.full((1080, 1920, 3), level, np.uint8), mask=np.full((1080, 1920), level / 255, np.float32))
    frame.probability, frame.kinds = np.ones((1080, 1920), np.float32), np.full((1080, 1920), level, np.uint8)
    assert frame.hidden.any() == (level > 51)
    return frame


@linux_only
def test_what_waits_takes_no_memory_and_is_the_same_afterwards(tmp_path: Path) -> None:
    shelf, before = Shelf(tmp_path), resident()
    frames = [shelf.put(some_frame(level)) for level in range(100, 120)]
    shelf.rest()
    assert resident() - before < 60 << 20  # of 500 MB
    for level, frame in zip(range(100, 120), frames, strict=True):
        assert (frame.image == level).all() and (frame.kinds == level).all() and frame.has_hidden
    assert resident() - before > 100 << 20
    shelf.rest()
    assert resident() - before < 60 << 20


def test_what_is_small_or_lies_there_already_is_left_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    small, large = np.zeros(LEAST - 1, np.uint8), np.zeros(LEAST, np.uint8)
    record = SimpleNamespace(small=small, large=large)
    shelf.put(record)
    assert record.small is small and record.large is not large
    there = record.large
    shelf.put(record)
    assert record.large is there
    part = SimpleNamespace(rows=there[4:])
    assert shelf.put(part).rows.base is there.base or np.shares_memory(part.rows, there)


def test_no_file_is_left(tmp_path: Path) -> None:
    frame = Shelf(tmp_path).put(some_frame(9))
    assert list(tmp_path.iterdir()) == [] and (frame.image == 9).all()


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("restore.shelf.tempfile.TemporaryFile", full)
    with pytest.raises(RestoreError, match=r"No space left on device.*make room"):
        Shelf(tmp_path).put(some_frame(9))
