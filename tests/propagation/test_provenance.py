import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.evidence import Evidence
from restore.propagation.memory import Memory
from restore.propagation.provenance import COPIED, FILLED, NAMES, SEEN, mask_provenance, shares
from tests.propagation.footage import at_rest, box, camera, covered, propagated

H, W = 48, 64


def codes_of(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.stack([one.provenance for one in propagated(covered(clip, mask), mask)])


def test_what_is_not_hidden_is_seen() -> None:
    codes = codes_of(at_rest(4, H, W), np.zeros((4, H, W), np.float32))
    assert codes.dtype == np.uint8 and codes.shape == (4, H, W) and (codes == SEEN).all()


def test_what_another_frame_saw_is_copied() -> None:
    mask = box(8, H, W, (10, 4), step=(1, 6))
    codes = codes_of(at_rest(8, H, W), mask)
    assert np.array_equal(codes == COPIED, mask > 0) and (codes[mask == 0] == SEEN).all()


def test_what_no_frame_saw_is_filled() -> None:
    mask = box(5, H, W, (10, 10), side=16)  # it is at rest before a scene at rest
    assert np.array_equal(codes_of(at_rest(5, H, W), mask), FILLED * (mask > 0))


def test_a_fully_hidden_clip_is_filled() -> None:
    assert (codes_of(at_rest(3, H, W), np.ones((3, H, W), np.float32)) == FILLED).all()


@pytest.mark.parametrize("step", [0.2, 0.35, 0.6])
def test_behind_a_box_that_stays_only_what_came_from_outside_is_copied(step: float) -> None:
    """The camera drifts: in the middle frame a strip on each side was seen, and nothing of what lies between them."""
    mask = box(41, 96, 128, (30, 40), side=40)
    codes = codes_of(camera(41, step), mask)[20]
    strip = 20 * step
    copied = (codes[32:68] == COPIED).mean(0)  # of each column
    assert copied[40:80].sum() == pytest.approx(2 * strip, abs=3.5)
    inside = slice(41 + int(strip + 1), 79 - int(strip + 1))
    assert not copied[inside].any() and copied[40] == copied[79] == 1


def test_above_the_threshold_a_pixel_is_hidden() -> None:
    mask = np.zeros((1, H, W), np.float32)
    mask[0, :, 10], mask[0, :, 20] = 0.15, 0.25
    codes = codes_of(at_rest(1, H, W), mask)[0]
    assert (codes[:, 10] == SEEN).all() and (codes[:, 20] == FILLED).all()


@pytest.mark.parametrize("age", [1, 100, 1500, 100_000])
def test_the_codes_are_where_the_base_takes_a_pixel_from(age: int) -> None:
    """However old a copy is: it is taken, and its code is that of a copy."""
    frame = Frame(at_rest(1, H, W)[0], mask=box(1, H, W, (10, 10), side=16)[0], scene=0)
    count = np.zeros((H, W), np.float32)
    count[:, :18] = 3  # the left half of the box
    red = np.full((H, W, 3), (255, 0, 0), np.float32)
    past, future = Memory(red, count, np.full((H, W), age, np.float32)), Memory.empty(H, W)
    evidence = Evidence(frame, frame, frame, past, future)
    codes, base = evidence.provenance, evidence.base()
    assert np.array_equal(codes == COPIED, frame.hidden & (count > 0))
    assert np.array_equal(codes == FILLED, frame.hidden & (count == 0))
    assert np.allclose(base[codes == COPIED], (255, 0, 0), atol=1e-2)
    assert not (base[codes == FILLED] == (255, 0, 0)).all(-1).any()


def test_a_frame_that_is_restored_by_itself_copies_nothing() -> None:
    frame = Frame(at_rest(1, H, W)[0], mask=box(1, H, W, (10, 10), side=16)[0])
    codes = mask_provenance(frame)
    assert codes.dtype == np.uint8 and np.array_equal(codes, FILLED * frame.hidden)


def test_shares_sum_to_one() -> None:
    wanted = {name: 1 / 3 for name in NAMES[:3]} | dict.fromkeys(NAMES[3:5], 0)
    assert shares(np.array([1, 1, 1, 0, 0, 0])) == pytest.approx(wanted, abs=1e-6)
    assert shares(np.array([0, 1, 0, 0, 0, 3])) == dict.fromkeys(NAMES, 0) | {"copied": 0.25, "enlarged": 0.75}
