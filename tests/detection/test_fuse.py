import math

import numpy as np
import pytest

from restore.detection.fuse import together, without_traces
from restore.kinds import BOXES, KINDS
from restore.propagation.engine import DOUBT

DIRT, TEXT = KINDS.index("dirt"), KINDS.index("text")


@pytest.mark.parametrize(
    ("finder", "segmenter", "kind", "wanted"),
    [
        (4.0, 2.0, BOXES, (4.0, BOXES)),  # agreed
        (4.0, -1.0, DIRT, (1.0, BOXES)),  # the finder knows boxes
        (4.0, -1.5, DIRT, (-0.5, DIRT)),  # the segmenter sees nothing, and is almost as sure of it
        (4.0, 3.0, DIRT, (4.0, DIRT)),  # the finder saw that as well, and has but one name for all
        (-9.0, 7.0, DIRT, (7.0, DIRT)),  # what the finder cannot know
        (-9.0, 3.5, DIRT, (-2.25, DIRT)),  # nobody is sure of it
        (-9.0, 3.5, TEXT, (3.5, TEXT)),  # of text it takes less to be sure
        (-9.0, 7.0, BOXES, (7.0, BOXES)),  # a box that it missed
    ],
)
def test_what_both_say(finder: float, segmenter: float, kind: int, wanted: tuple[float, int]) -> None:
    boxes, hidden = (sigmoid(np.array([[logit]])) for logit in (finder, segmenter))
    probability, kinds = together(boxes, hidden, np.array([[kind]], np.uint8))
    assert probability.dtype == np.float32 and kinds.dtype == np.uint8
    assert (logit(probability.item()), kinds.item()) == (pytest.approx(wanted[0], abs=1e-2), wanted[1])


def test_a_patch_is_believed_as_a_whole_or_not_at_all() -> None:
    said = np.full((100, 100), -3.0)
    said[10:30, 10:30] = 1.0  # in doubt, but sure in its middle...
    said[18:22, 18:22] = 7.0
    said[10:30, 36:40] = 1.0  # ...and this lies near
    said[10:30, 65:75] = 4.0  # nowhere sure
    said[60:80, 10:30] = 1.0  # sure of a pixel: too little of the frame
    said[70, 20] = 7.0
    wanted = np.zeros((100, 100), bool)
    wanted[10:30, 10:30] = wanted[10:30, 36:40] = True
    probability = one_kind(said, DIRT)
    assert np.array_equal(probability > 0.5, wanted)
    assert probability[~wanted].max() < DOUBT  # nor is it treated as hidden


def test_a_kind_says_nothing_of_another_that_touches_it() -> None:
    said, kinds = np.full((40, 40), 1.0), np.full((40, 40), DIRT, np.uint8)
    kinds[:, :20] = TEXT
    said[10:20, 5:15] = 7.0
    probability, _ = together(np.zeros((40, 40)), sigmoid(said), kinds)
    assert np.array_equal(probability > 0.5, kinds != DIRT)


def test_a_box_that_both_see_has_the_finders_edges() -> None:
    said, finder = np.full((40, 40), -3.0), np.zeros((40, 40))
    said[10:30, 10:30] = 7.0
    finder[12:28, 12:28] = 0.9
    assert np.array_equal(one_kind(said, BOXES, finder) > 0.5, finder > 0)
    finder[12:28, 12:20] = 0  # of half of it or less it is the segmenter that knows
    assert np.array_equal(one_kind(said, BOXES, finder) > 0.5, said > 0)


def test_a_box_that_comes_and_goes_leaves_no_trace() -> None:
    """The segmenter sees dirt wherever a box is in any of three frames."""
    boxes, hidden = np.zeros((3, 40, 40)), np.full((3, 40, 40), 0.01)
    kinds = np.full((3, 40, 40), BOXES, np.uint8)
    for t, left in enumerate((0, 10, 20)):
        boxes[t, 10:20, left : left + 10] = 0.99
        hidden[:, 10:20, left : left + 10] = 0.9999
        kinds[:, 10:20, left : left + 10] = DIRT
        kinds[t, 10:20, left : left + 10] = BOXES
    said = list(zip(boxes, hidden, kinds, strict=True))
    for t in range(3):
        around = range(max(0, t - 1), min(3, t + 2))
        probability, _ = together(*without_traces([said[u] for u in around], around.index(t)))
        near = np.any(boxes[max(0, t - 1) : t + 2] > 0.5, 0)
        assert np.array_equal((probability > 0.5) & near, boxes[t] > 0.5)
    other, kind = hidden.copy(), kinds.copy()
    kind[:] = DIRT  # what both do not take for a box leaves no such trace
    same = without_traces(list(zip(boxes, other, kind, strict=True)), 1)
    assert np.array_equal(same[1], other[1])


def one_kind(said: np.ndarray, kind: int, finder: np.ndarray | None = None) -> np.ndarray:
    """The probability where the segmenter's log-odds are `said`."""
    boxes = np.zeros(said.shape) if finder is None else finder
    return together(boxes, sigmoid(said), np.full(said.shape, kind, np.uint8))[0]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
