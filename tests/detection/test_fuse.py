import math

import numpy as np
import pytest

from restore.detection.fuse import agreed_boxes, fuse, suppress_traces, temporal_median
from restore.frame import HIDDEN
from restore.kinds import BOXES, KINDS

DIRT, TEXT = KINDS.index("dirt"), KINDS.index("text")


@pytest.mark.parametrize(
    ("finder", "segmenter", "kind", "wanted"),
    [
        (4.0, 2.0, BOXES, (4.0, BOXES)),  # agreed
        (4.0, -1.0, DIRT, (1.0, BOXES)),  # the finder draws boxes
        (4.0, -1.5, DIRT, (-0.5, DIRT)),  # the segmenter's veto
        (4.0, 3.0, DIRT, (4.0, DIRT)),  # the finder sees it as well, and the segmenter names it
        (-9.0, 7.0, DIRT, (7.0, DIRT)),  # the finder knows boxes alone
        (-9.0, 3.5, DIRT, (-2.25, DIRT)),  # below the high threshold
        (-9.0, 3.5, TEXT, (3.5, TEXT)),  # which is lower for text
        (20.0, -4.8, DIRT, (-0.6, DIRT)),  # no network outweighs the other without bound
        (-9.0, 7.0, BOXES, (7.0, BOXES)),  # a box that the finder missed
    ],
)
def test_how_the_networks_are_weighed(finder: float, segmenter: float, kind: int, wanted: tuple[float, int]) -> None:
    boxes, hidden = (np.array([[logit]], np.float32) for logit in (finder, segmenter))
    probability, kinds = fuse(boxes, hidden, np.array([[kind]], np.uint8))
    assert probability.dtype == np.float32 and kinds.dtype == np.uint8
    assert (logit(probability.item()), kinds.item()) == (pytest.approx(wanted[0], abs=1e-2), wanted[1])


def test_a_region_is_accepted_as_a_whole_or_not_at_all() -> None:
    logits = np.full((100, 100), -3, np.float32)
    logits[10:30, 10:30] = 1  # above the low threshold, and the high one in its middle...
    logits[18:22, 18:22] = 7
    logits[10:30, 36:40] = 1  # ...and this across a gap
    logits[10:30, 65:75] = 4  # nowhere above the high threshold
    logits[60:80, 10:30] = 1  # one pixel is above: too small a share
    logits[70, 20] = 7
    wanted = np.zeros((100, 100), bool)
    wanted[10:30, 10:30] = wanted[10:30, 36:40] = True
    probability = one_kind(logits, DIRT)
    assert np.array_equal(probability > 0.5, wanted)
    assert probability[wanted] == pytest.approx(1 / (1 + np.exp(-logits[wanted])), abs=1e-6)
    assert probability[~wanted].max() < HIDDEN


def test_a_kind_does_not_support_another_that_touches_it() -> None:
    logits, kinds = np.ones((40, 40), np.float32), np.full((40, 40), DIRT, np.uint8)
    kinds[:, :20] = TEXT
    logits[10:20, 5:15] = 7
    probability, _ = fuse(np.full((40, 40), -9, np.float32), logits, kinds)
    assert np.array_equal(probability > 0.5, kinds != DIRT)


def test_a_box_that_both_see_has_the_finders_edges() -> None:
    logits, finder = np.full((40, 40), -3, np.float32), np.full((40, 40), -9, np.float32)
    logits[10:30, 10:30] = 7
    finder[12:28, 12:28] = 2
    assert np.array_equal(one_kind(logits, BOXES, finder) > 0.5, finder > 0)
    finder[12:28, 12:20] = -9  # of less than half the segmenter draws the edges
    assert np.array_equal(one_kind(logits, BOXES, finder) > 0.5, logits > 0)


def test_the_arguments_stay_as_they_are() -> None:
    logits = np.random.default_rng(0).normal(0, 6, (3, 40, 40)).astype(np.float32)
    kinds = np.random.default_rng(1).integers(0, len(KINDS), (40, 40), np.uint8)
    before = logits.copy(), kinds.copy()
    fuse(logits[0], logits[1], kinds)
    suppress_traces(logits[0], logits[1], [kinds > 2, None])
    temporal_median(*logits, kinds)
    assert np.array_equal(logits, before[0]) and np.array_equal(kinds, before[1])


@pytest.mark.parametrize(("kind", "wanted"), [("dirt", 3), ("drops", 3), ("text", 3), ("flare", 3), ("boxes", -2)])
def test_the_median_is_of_persistent_kinds(kind: str, wanted: float) -> None:
    logits = (np.full((2, 2), value, np.float32) for value in (3, -2, 5))
    assert (temporal_median(*logits, np.full((2, 2), KINDS.index(kind), np.uint8)) == wanted).all()


def test_a_box_that_comes_and_goes_leaves_no_trace() -> None:
    """The segmenter sees dirt wherever a box is in any of three frames."""
    finder, segmenter = np.full((3, 40, 40), -9, np.float32), np.full((3, 40, 40), -4.6, np.float32)
    kinds = np.full((3, 40, 40), BOXES, np.uint8)
    for t, left in enumerate((0, 10, 20)):
        finder[t, 10:20, left : left + 10] = 4.6
        segmenter[:, 10:20, left : left + 10] = 9.2
        kinds[:, 10:20, left : left + 10] = DIRT
        kinds[t, 10:20, left : left + 10] = BOXES
    boxes = [agreed_boxes(*logits) for logits in zip(finder, segmenter, kinds, strict=True)]
    for t in range(3):
        around = slice(max(0, t - 1), t + 2)
        probability, _ = fuse(finder[t], suppress_traces(segmenter[t], finder[t], boxes[around]), kinds[t])
        in_reach = np.any(finder[around] > 0, 0)
        assert np.array_equal((probability > 0.5) & in_reach, finder[t] > 0)
    # Only what both networks see as a box leaves a trace.
    assert agreed_boxes(finder[0], segmenter[0], np.full_like(kinds[0], DIRT)) is None
    assert agreed_boxes(finder[0], -segmenter[0], kinds[0]) is None
    assert np.array_equal(suppress_traces(segmenter[1], finder[1], [None, None]), segmenter[1])


def one_kind(logits: np.ndarray, kind: int, finder: np.ndarray | None = None) -> np.ndarray:
    """The probability for the segmenter's logits, all of one kind."""
    boxes = np.full(logits.shape, -9, np.float32) if finder is None else finder
    return fuse(boxes, logits, np.full(logits.shape, kind, np.uint8))[0]


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
