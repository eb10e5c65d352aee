import numpy as np
import pytest

from restore.frame import CELLS, HIDDEN, Frame
from tests.propagation.footage import noisy, texture

H, W = 61, 80


def frame(hidden: np.ndarray | None = None, image: np.ndarray | None = None) -> Frame:
    mask = None if hidden is None else hidden.astype(np.float32)
    return Frame(texture(H, W) if image is None else image, mask=mask)


def spot() -> np.ndarray:
    hidden = np.zeros((H, W), bool)
    hidden[20:30, 40:50] = True
    return hidden


def test_a_frame_is_compared_by_identity() -> None:
    assert frame() != frame() and frame().size == (H, W)


def test_luma_is_half_as_large_and_smooths_noise_out() -> None:
    picture = texture(H, W, scale=20)
    clean, dirty = (frame(image=image).luma for image in (picture, noisy(picture, 10)))
    assert clean.shape == (31, 40) and clean.dtype == np.uint8
    assert (dirty.astype(float) - clean).std() < 2.5


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (16, 20)])
def test_tiny_frames(size: tuple[int, int]) -> None:
    tiny = Frame(texture(*size), mask=np.zeros(size, np.float32))
    assert tiny.luma.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2)
    assert tiny.cells.shape == (min(CELLS[0], size[0]), min(CELLS[1], size[1]), 3)
    assert tiny.visible_cells.all() and not tiny.has_hidden


def test_what_is_above_the_threshold_is_hidden_and_a_pixel_around_it_excluded() -> None:
    assert HIDDEN < 0.5
    mask = spot() * np.float32(HIDDEN + 0.01) + ~spot() * np.float32(HIDDEN - 0.01)
    one = Frame(texture(H, W), mask=mask)
    assert one.has_hidden and np.array_equal(one.hidden, spot())
    around = np.zeros((H, W), bool)
    around[19:31, 39:51] = True
    assert np.array_equal(one.excluded, around)


def test_where_nothing_is_hidden_nothing_is_excluded() -> None:
    clear = frame(np.zeros((H, W), bool))
    assert not clear.has_hidden and not clear.hidden.any() and not clear.excluded.any() and clear.visible_cells.all()


def test_cells_are_averages_and_visible_if_nothing_in_them_is_excluded() -> None:
    one = frame(spot())
    assert one.cells.shape == (*CELLS, 3) and one.cells.dtype == np.float32
    assert one.cells.mean((0, 1)) == pytest.approx(one.image.mean((0, 1)), abs=0.01)
    visible = one.visible_cells
    assert visible.shape == CELLS and visible.dtype == bool
    rows, columns = np.nonzero(~visible)
    # Of 61/15 rows and 80/20 columns each, rows 19 to 30 and columns 39 to 50.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 7, 9, 12)
    assert (~visible).sum() == 4 * 4


def test_each_thing_is_computed_once() -> None:
    one = frame(spot())
    for name in ("luma", "hidden", "excluded", "cells", "visible_cells"):
        assert getattr(one, name) is getattr(one, name)


def test_a_mask_is_needed() -> None:
    with pytest.raises(AssertionError, match="the mask is set before it is used"):
        assert frame().hidden
