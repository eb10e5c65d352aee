import numpy as np

from restore.frame import Frame
from restore.propagation.confidence import copy_confidence, mask_confidence
from restore.propagation.evidence import Evidence
from restore.propagation.memory import AVERAGED, Memory
from restore.propagation.provenance import COPIED, FILLED, SEEN
from tests.propagation.footage import at_rest, box, camera, covered, propagated

H, W = 48, 64
COUNTS, AGES = np.linspace(0, AVERAGED, 41), np.arange(1, 1501)


def test_it_is_a_share() -> None:
    values = copy_confidence(COUNTS[:, None], AGES[None])
    assert values.min() == 0 and 0.9 < values.max() < 1


def test_more_frames_and_more_recent_ones_are_more_certain() -> None:
    values = copy_confidence(COUNTS[:, None], AGES[None])
    assert (np.diff(values, axis=0) > 0).all()
    assert (np.diff(values[1:], axis=1) < 0).all()


def test_no_frame_is_no_certainty_however_recent() -> None:
    assert copy_confidence(np.zeros(3), np.array([0, 1, 100])).tolist() == [0, 0, 0]


def memory(count: float, age: float) -> Memory:
    plane = np.ones((H, W), np.float32)
    return Memory(np.zeros((H, W, 3), np.float32), plane * np.float32(count), plane * np.float32(age))


def test_past_and_future_are_more_certain_than_each_alone() -> None:
    frame = Frame(at_rest(1, H, W)[0], mask=np.ones((H, W), np.float32), scene=0)
    past, future, nothing = memory(4, 3), memory(2, 10), memory(0, 1)
    both, first, second, none = (
        int(Evidence(frame, frame, frame, *memories).confidence[0, 0])
        for memories in ((past, future), (past, nothing), (nothing, future), (nothing, nothing))
    )
    assert both > first > second > none == 0
    assert both == round(255 * (1 - (1 - copy_confidence(np.array(4), np.array(3))) * (1 - copy_confidence(2, 10))))


def test_of_a_frame_that_is_restored_by_itself() -> None:
    frame = Frame(at_rest(1, H, W)[0], mask=box(1, H, W, (10, 10), side=16)[0])
    assert np.array_equal(mask_confidence(frame), 255 * (mask_confidence(frame) > 0))
    assert np.array_equal(mask_confidence(frame) == 0, frame.hidden)


def test_it_agrees_with_the_provenance() -> None:
    mask = box(12, H, W, (10, 4), step=(0, 3))
    mask[:, 30:40, 40:50] = 1  # and one that stays
    found = set()
    for one in propagated(covered(at_rest(12, H, W), mask), mask):
        certain, codes = one.confidence, one.provenance
        assert certain.dtype == np.uint8 and certain.shape == (H, W)
        assert (certain[codes == SEEN] == 255).all()
        assert (certain[codes == FILLED] == 0).all()
        assert ((certain > 0) & (certain < 255))[codes == COPIED].all()
        found |= set(np.unique(codes).tolist())
    assert found == {SEEN, COPIED, FILLED}


def test_it_falls_with_the_age_where_only_one_side_saw_the_pixel() -> None:
    """A box appears and stays to the end, before a camera that drifts by a fraction of a pixel."""
    for step in (0.0, 0.2):
        mask = box(40, 96, 128, (36, 50), side=24)
        mask[:8] = 0
        evidence = propagated(covered(camera(40, step), mask), mask)
        inside = np.s_[44:52, 60:64]  # what the drift brings in from the future does not reach it
        certain = np.array([one.confidence[inside].mean() for one in evidence[8:]])
        assert (np.diff(certain) <= 0).all() and certain[-1] < 0.9 * certain[0]
        ages = np.array([one.past.age[inside].mean() for one in evidence[8:]])
        assert np.allclose(ages, np.arange(1, 33), atol=0.1)
