import numpy as np

from restore.frame import Frame
from restore.inference.found import Found
from restore.restored import Restored


def frame(estimate: tuple[float, float] | None) -> Restored:
    plane = np.zeros((4, 4), np.uint8)
    return Restored(Frame(np.zeros((4, 4, 3), np.uint8)), np.zeros((4, 4, 3), np.uint8), plane, plane, estimate)


def test_estimates_are_averaged_over_frames_with_something_visible() -> None:
    found = Found()
    for estimate in ((2.0, 0.5), (float("nan"), float("nan")), (4.0, 1.0)):
        found.add(frame(estimate))
    assert found.report() == (
        {"estimated": {"error": 3, "corrected": 0.75}, "obstructions": None, "suspects": None},
        [],
    )


def test_a_generator_that_does_not_estimate() -> None:
    found = Found()
    found.add(frame(None))
    assert found.report()[0]["estimated"] is None
