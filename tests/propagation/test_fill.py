import numpy as np
import pytest

from restore.propagation.fill import fill_from_around
from tests.propagation.footage import texture


def hole(height: int, width: int, share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width)) >= share


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_known_pixels_are_exact(share: float, dtype: type) -> None:
    values = texture(33, 47).astype(np.float32)
    known = hole(33, 47, share)
    filled = fill_from_around(values, known.astype(dtype))
    assert filled.dtype == np.float32 and filled.shape == values.shape
    assert np.array_equal(filled[known], values[known])


def test_what_unknown_pixels_hold_is_ignored() -> None:
    values, known = texture(20, 30).astype(np.float32), hole(20, 30, 0.6)
    other = np.where(known[..., None], values, 1e4).astype(np.float32)
    assert np.array_equal(fill_from_around(values, known), fill_from_around(other, known))


def test_the_input_is_left_alone() -> None:
    values, known = texture(9, 9).astype(np.float32), hole(9, 9, 0.5)
    before = values.copy(), known.copy()
    filled = fill_from_around(values, known)
    filled[:] = -1
    fill_from_around(values, np.ones((9, 9)))[:] = -1
    assert np.array_equal(values, before[0]) and np.array_equal(known, before[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (2, 2), (5, 3), (31, 64), (64, 65)])
def test_a_constant_surround_is_continued(size: tuple[int, int]) -> None:
    known = hole(*size, 0.7)
    known[0, -1] = True
    filled = fill_from_around(np.where(known, np.float32(77), np.float32(0)), known)
    assert filled == pytest.approx(np.full(size, 77, np.float32), rel=1e-5)


def test_a_ramp_is_completed_within_its_range() -> None:
    ramp = np.tile(np.linspace(10, 200, 80, dtype=np.float32), (60, 1))
    known = np.ones((60, 80), bool)
    known[20:40, 30:50] = False
    filled = fill_from_around(ramp, known)[20:40, 30:50]
    # The values at the hole's left and right border.
    assert filled.min() >= ramp[0, 29] and filled.max() <= ramp[0, 50]
    assert np.abs(filled - ramp[20:40, 30:50]).mean() < 0.25 * (ramp[0, 50] - ramp[0, 29])
    assert filled[:, 0].mean() < filled[:, -1].mean()


def test_fill_stays_within_the_range_of_what_is_known() -> None:
    values, known = texture(50, 70, scale=3).astype(np.float32), hole(50, 70, 0.9, seed=3)
    known[10:40, 20:60] = False
    filled = fill_from_around(values, known)
    for channel in range(3):
        low, high = values[known][:, channel].min(), values[known][:, channel].max()
        assert filled[..., channel].min() >= low - 1e-3 and filled[..., channel].max() <= high + 1e-3


def test_each_side_is_continued() -> None:
    values = np.zeros((40, 40), np.float32)
    values[:, 20:] = 100
    known = np.ones((40, 40), bool)
    known[:, 5:35] = False
    filled = fill_from_around(values, known)
    assert filled[:, 6].max() < 30 and filled[:, 33].min() > 70


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 7), (6, 7, 3), (33, 20, 2)])
def test_nothing_known_gives_zeros(shape: tuple[int, ...]) -> None:
    assert not fill_from_around(np.full(shape, 9, np.float32), np.zeros(shape[:2])).any()


@pytest.mark.parametrize("width", [1, 2, 3, 17])
def test_a_row_is_filled_from_its_one_known_pixel(width: int) -> None:
    known = np.zeros((1, width), bool)
    known[0, width // 2] = True
    values = np.where(known, np.float32(5), np.float32(0))
    assert fill_from_around(values, known) == pytest.approx(np.full((1, width), 5.0), rel=1e-5)
    assert fill_from_around(values.T, known.T) == pytest.approx(np.full((width, 1), 5.0), rel=1e-5)


def test_channels_are_filled_apart() -> None:
    values, known = texture(24, 18).astype(np.float32), hole(24, 18, 0.8)
    whole = fill_from_around(values, known)
    for channel in range(3):
        assert whole[..., channel] == pytest.approx(fill_from_around(values[..., channel], known), abs=1e-3)
