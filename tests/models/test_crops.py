import numpy as np
import pytest
import torch

from restore.models.crops import crops


@pytest.mark.parametrize("seed", range(8))
def test_crops_hold_all_that_is_wanted_with_its_margin_and_do_not_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = torch.zeros(2, 1, 128, 192)
    for _ in range(rng.integers(0, 7)):
        row, column = rng.integers(0, 120), rng.integers(0, 180)
        wanted[rng.integers(0, 2), :, row : row + rng.integers(1, 30), column : column + rng.integers(1, 30)] = 1
    times = np.zeros((128, 192), int)
    for rows, columns in crops(wanted, 8, 10):
        times[rows, columns] += 1
        assert all(side % 8 == 0 for part in (rows, columns) for side in (part.start, part.stop))
    assert times.max() <= 1
    around = torch.nn.functional.max_pool2d(wanted, 21, 1, 10).amax((0, 1)).numpy() > 0
    assert times[around].all()
    assert (times.sum() == 0) == (not wanted.any())


def test_what_is_far_apart_has_a_crop_each() -> None:
    wanted = torch.zeros(1, 1, 64, 160)
    wanted[..., 30, 8] = wanted[..., 30, 150] = 1
    assert crops(wanted, 16, 16) == [(slice(0, 48), slice(0, 32)), (slice(0, 48), slice(128, 160))]


def test_rectangles_that_would_overlap_are_one() -> None:
    """An L and what lies within the rectangle around it."""
    wanted = torch.zeros(1, 1, 96, 96)
    wanted[..., 0:96:16, 0] = wanted[..., 95, 0:96:16] = 1
    wanted[..., 20, 80] = 1
    assert crops(wanted, 16, 1) == [(slice(0, 96), slice(0, 96))]
