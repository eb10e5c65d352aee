import numpy as np
import pytest

from restore.detection.dilate import dilate, dilate_soft
from restore.kinds import BOXES, KINDS

DIRT = KINDS.index("dirt")


@pytest.mark.parametrize(("side", "rim"), [(40, 1), (240, 1), (480, 2), (1080, 4)])
def test_all_kinds_but_boxes_have_a_rim_that_is_a_share_of_the_side(side: int, rim: int) -> None:
    probability, kinds = np.zeros((side, side), np.float32), np.full((side, side), DIRT, np.uint8)
    probability[10:14, 10:14], probability[10:14, 30:34] = 0.9, 0.8
    kinds[10:14, 30:34] = BOXES
    mask = dilate_soft(probability, kinds)
    rows, columns = np.nonzero(mask[:, :22])
    assert mask.dtype == np.float32
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10 - rim, 13 + rim, 10 - rim, 13 + rim)
    assert np.array_equal(mask[:, 22:], probability[:, 22:])


def test_a_soft_kind_does_not_take_a_box_along() -> None:
    probability = np.array([[0, 0.2, 0.9, 0]], np.float32)
    assert dilate_soft(probability, np.array([[DIRT, DIRT, BOXES, DIRT]], np.uint8))[0].tolist() == pytest.approx(
        [0.2, 0.2, 0.9, 0]
    )


@pytest.mark.parametrize("dtype", [bool, np.float32])
def test_dilation_is_by_a_disc(dtype: type) -> None:
    mask = np.zeros((21, 21), dtype)
    mask[10, 10] = 1
    y, x = np.mgrid[-10:11, -10:11]
    dilated = dilate(mask, 6)
    assert dilated.dtype == np.float32
    assert dilated[np.hypot(x, y) <= 5.5].all() and not dilated[np.hypot(x, y) > 6.5].any()
