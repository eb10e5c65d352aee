import cv2
import numpy as np
import pytest

from restore.arrays import dilate
from restore.frame import Frame
from restore.propagation.confidence import (
    OF_COPIES,
    OF_FILLED,
    OF_VISIBLE,
    certainty,
    contrast_feature,
    copy_features,
    fill_features,
    mask_odds,
    visible_features,
    with_filtered,
    with_hidden,
    with_visible,
)
from restore.propagation.copies import copies
from restore.propagation.evidence import Evidence
from restore.propagation.memory import Memory
from restore.propagation.provenance import COPIED, FILLED, SEEN, UNSEEN, mask_provenance
from restore.restored import Restored, certain
from tests.propagation.footage import at_rest, box, camera, confidence, covered, propagated

H, W = 48, 64
SIZE = 4, 5


def memory(count: float, age: float, level: float = 0.0) -> Memory:
    plane = np.ones(SIZE, np.float32)
    return Memory(np.full((*SIZE, 3), level, np.float32), plane * np.float32(count), plane * np.float32(age))


def of_copy(past: Memory, future: Memory) -> float:
    """The regression's value: of the one number that all pixels have."""
    (value,) = set((copy_features(past, future, np.ones(SIZE, bool)) @ OF_COPIES[:-1]).tolist())
    return value


NOTHING = memory(0, 1)


def test_copies_of_more_frames_and_of_more_recent_ones_are_more_certain() -> None:
    by_count = [of_copy(memory(count, 3), NOTHING) for count in (0.1, 1, 2, 5, 10)]
    by_age = [of_copy(memory(4, age), NOTHING) for age in (1, 2, 10, 100, 1500)]
    assert (np.diff(by_count) > 0).all() and (np.diff(by_age) < 0).all()


def test_past_and_future_speak_alike() -> None:
    one, other = memory(4, 3, 90), memory(2, 10, 100)
    assert of_copy(one, other) == of_copy(other, one)
    assert of_copy(one, NOTHING) == of_copy(NOTHING, one)


def test_what_past_and_future_agree_on_is_more_certain_than_each_alone() -> None:
    past, future = memory(4, 3, 90), memory(2, 10, 90)
    assert of_copy(past, future) > of_copy(past, NOTHING) > of_copy(future, NOTHING)


def test_the_less_they_agree_the_less_certain() -> None:
    values = [of_copy(memory(4, 3, 90), memory(2, 10, 90 + apart)) for apart in (0, 1, 5, 20, 100)]
    assert (np.diff(values) < 0).all()
    assert values[-1] < of_copy(memory(4, 3, 90), NOTHING)


def test_the_colour_of_what_is_not_known_does_not_count() -> None:
    assert of_copy(memory(4, 3, 90), memory(0, 1, 200)) == of_copy(memory(4, 3, 90), NOTHING)


def test_what_is_farther_from_what_was_seen_is_less_certain_at_any_size() -> None:
    unseen = np.zeros((60, 80), bool)
    unseen[20:40, 30:60] = True
    values = np.zeros(unseen.shape)
    values[unseen] = fill_features(unseen) @ OF_FILLED[:-1]
    assert (np.diff(values[20:30, 45]) < 0).all() and (np.diff(values[30:40, 45]) > 0).all()
    large = unseen.repeat(4, 0).repeat(4, 1)
    many = np.zeros(large.shape)
    many[large] = fill_features(large) @ OF_FILLED[:-1]
    assert many[118, 180] == pytest.approx(values[29, 45], abs=0.05)


def alone(image: np.ndarray, mask: np.ndarray, codes: np.ndarray | None = None) -> Restored:
    """A frame restored from itself alone, as it is."""
    frame = Frame(image, mask=mask)
    return Restored(
        frame, image, mask_provenance(frame) if codes is None else codes, certain(frame), odds=mask_odds(frame)
    )


def test_a_picture_that_no_frame_saw_is_uncertain() -> None:
    one = alone(at_rest(1, H, W)[0], np.ones((H, W), np.float32))
    assert (with_hidden(one).confidence == 0).all()


def test_what_comes_out_with_more_contrast_is_less_certain_copied_or_filled() -> None:
    mask = box(1, H, W, (10, 10), side=8)[0]
    flat = np.full((H, W, 3), 100, np.uint8)
    stripes = (np.arange(W) % 2)[None, :, None]
    for code in (COPIED, FILLED):
        levels = [
            with_hidden(alone(flat + (height * stripes).astype(np.uint8), mask, np.full((H, W), code, np.uint8)))
            for height in (0, 2, 8, 20, 26, 60)
        ]
        inside = [int(one.confidence[14, 14]) for one in levels]
        assert inside[0] > inside[1] > inside[2] > inside[3] > inside[4] == inside[5]  # 12 levels and more are alike
        assert all((one.confidence[mask == 0] == 255).all() for one in levels)


def test_contrast_is_of_what_is_around_at_any_size_and_of_nothing_else() -> None:
    scene, hidden = at_rest(1, 60, 320)[0], np.zeros((60, 320), bool)
    hidden[20:30, 100:140] = True
    values = np.zeros(hidden.shape)
    values[hidden] = contrast_feature(scene, hidden)
    luma = cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY).astype(float)
    assert values[25, 120] == pytest.approx(np.log1p(min(luma[21:30, 116:125].std(), 12)), abs=0.01)
    elsewhere = scene.copy()
    elsewhere[:, 200:], elsewhere[50:] = 0, 255
    assert np.array_equal(contrast_feature(elsewhere, hidden), values[hidden])
    large = contrast_feature(scene.repeat(2, 0).repeat(2, 1), hidden.repeat(2, 0).repeat(2, 1))
    assert large.reshape(20, 80)[::2, ::2].mean() == pytest.approx(values[hidden].mean(), rel=0.1)


def test_visible_pixels_are_as_certain_as_they_were_right_unless_they_come_out_as_they_are() -> None:
    hidden, gate = np.array([[True, False, False, False]]), np.array([[1, 0, 0.5, 1]], np.float32)
    levels = np.array([[9, 9, 1, 5]], np.float32)
    before = np.array([[40, 255, 255, 255]], np.uint8)
    after = with_visible(before, hidden, levels, gate)
    assert after[0, :2].tolist() == [40, 255] and 255 > after[0, 2] > after[0, 3]
    assert after[0, 3] == certainty(visible_features(np.array([5.0])), OF_VISIBLE)[0]
    assert (before == [[40, 255, 255, 255]]).all()


def test_what_a_filter_changes_is_not_certain() -> None:
    before = np.array([[255, 255, 255, 9]], np.uint8)
    hidden, changed = np.array([[0, 0, 1, 0]], bool), np.array([[0, 1, 1, 1]], bool)
    assert with_filtered(before, hidden, changed).tolist() == [[255, 254, 255, 9]]
    assert before[0, 1] == 255


def test_of_a_frame_that_is_restored_by_itself() -> None:
    one = alone(np.full((H, W, 3), 90, np.uint8), box(1, H, W, (10, 10), side=16)[0])
    certain = with_hidden(one).confidence
    assert np.array_equal(certain == 255, ~one.mask)
    assert certain[18, 18] < certain[10, 18] < 255


def test_it_agrees_with_the_provenance() -> None:
    mask = box(12, H, W, (10, 4), step=(0, 3))
    mask[:, 30:40, 40:50] = 1  # and one that stays
    found = set()
    for one in propagated(covered(at_rest(12, H, W), mask), mask):
        certain, codes = confidence(one), one.provenance
        assert certain.dtype == np.uint8 and certain.shape == (H, W)
        assert (certain[codes == SEEN] == 255).all()
        assert (certain[codes != SEEN] < 255).all()
        if (codes == COPIED).any():
            assert certain[codes == COPIED].mean() > certain[codes == FILLED].mean() > 0
        found |= set(np.unique(codes).tolist())
        marked = copies(one)  # no pixel of the mark is of the scene
        apart = (codes == COPIED) & ~dilate(codes == FILLED, 1)  # from what is filled in the one, and not in the other
        assert np.array_equal(marked.confidence[apart], certain[apart])
        assert (marked.confidence[codes == COPIED] > 0).all()
        assert (marked.confidence[marked.provenance == UNSEEN] == 0).all()
    assert found == {SEEN, COPIED, FILLED}


def test_it_falls_with_the_age_where_only_one_side_saw_the_pixel() -> None:
    """A box appears and stays to the end, before a camera that drifts by a fraction of a pixel."""
    for step in (0.0, 0.2):
        mask = box(40, 96, 128, (36, 50), side=24)
        mask[:8] = 0
        evidence = propagated(covered(camera(40, step), mask), mask)
        inside = np.s_[44:52, 60:64]  # what the drift brings in from the future does not reach it
        certain = np.array([confidence(one)[inside].mean() for one in evidence[8:]])
        assert (np.diff(certain) <= 0).all() and certain[-1] < 0.9 * certain[0]
        ages = np.array([one.past.age[inside].mean() for one in evidence[8:]])
        assert np.allclose(ages, np.arange(1, 33), atol=0.1)


def test_evidence_of_one_side_alone() -> None:
    frame = Frame(at_rest(1, *SIZE)[0], mask=np.ones(SIZE, np.float32), scene=0)
    past, nothing = memory(4, 3), memory(0, 1)
    both, one, none = (
        int(confidence(Evidence(frame, frame, frame, *memories))[1, 1])
        for memories in ((past, past), (past, nothing), (nothing, nothing))
    )
    assert both > one > none == 0
