import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.found import Found
from restore.restored import Restored


def frame(estimate: tuple[float, float, float] | None) -> Restored:
    plane = np.zeros((4, 4), np.uint8)
    return Restored(Frame(np.zeros((4, 4, 3), np.uint8)), np.zeros((4, 4, 3), np.uint8), plane, plane, estimate)


def test_estimates_are_averaged_over_frames_with_something_visible() -> None:
    found = Found()
    for estimate in ((2.0, 0.1, 0.5), (float("nan"),) * 3, (4.0, 0.3, 1.0)):
        found.add(frame(estimate))
    assert found.report() == (
        {"estimated": {"noise": 3, "blurred": 0.2, "corrected": 0.75}, "obstructions": None, "suspects": None},
        [],
    )


def test_a_generator_that_does_not_estimate() -> None:
    found = Found()
    found.add(frame(None))
    assert found.report()[0]["estimated"] is None


def test_what_is_not_listed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restore.detection.tracks.MAX_TRACKS", 1)
    probability, proven = np.zeros((48, 64), np.float32), np.zeros((48, 64), bool)
    for left in (4, 24, 44):
        probability[10:20, left : left + 8] = 1
    proven[:, :40] = True  # two of three
    kinds = np.zeros((48, 64), np.uint8)
    kinds[:, 20:] = 1
    plane = np.zeros((48, 64), np.uint8)
    image = np.zeros((48, 64, 3), np.uint8)
    found = Found()
    found.add(Restored(Frame(image, probability=probability, kinds=kinds, proven=proven), image, plane, plane))
    lists, lines = found.report()
    assert len(lists["obstructions"]) == len(lists["suspects"]) == 1
    assert lines == ["1 small or short obstructions are not in the report's list"]
