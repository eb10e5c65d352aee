import numpy as np
import pytest
from scipy import ndimage

from restore.detection.components import components


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("gap", [0, 3, 8, 21])
def test_components_are_those_of_the_whole_mask_dilated(seed: int, gap: float) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((50, 70), bool)
    for y, x, rows, columns in rng.integers((3, 5, 1, 1), (40, 55, 6, 9), (12, 4)):
        mask[y : y + rows, x : x + columns] = rng.random((rows, columns)) < 0.7
    side = 2 * max(1, round(gap / 2)) + 1
    labels, count = ndimage.label(ndimage.binary_dilation(mask, np.ones((side, side))), np.ones((3, 3)))
    wanted = {((labels == label) & mask).tobytes() for label in range(1, count + 1)}
    found = set()
    for component in components(mask, gap, 1):
        own = np.zeros_like(mask)
        own[component.part] = component.mask
        left, top, right, bottom = component.box
        rows, columns = np.nonzero(own)
        assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        found.add(own.tobytes())
    assert found == wanted


def test_small_components_are_left_out() -> None:
    mask = np.zeros((30, 30), bool)
    mask[2:5, 2:5] = mask[20:24, 20:24] = True
    assert [int(component.mask.sum()) for component in components(mask, 2, 9)] == [9, 16]
    assert [component.box for component in components(mask, 2, 9.5)] == [(20, 20, 24, 24)]
    assert components(mask, 2, 17) == components(mask & False, 2, 1) == []
