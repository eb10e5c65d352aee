import itertools
from collections import Counter

import pytest

from restore.refinement.schedule import Move, resampling_schedule


def denoised(moves: list[Move]) -> int:
    return sum(after < before for before, after in moves)


@pytest.mark.parametrize(
    ("steps", "jump_length", "resamplings", "calls"),
    [(250, 10, 10, 2410), (100, 10, 5, 460), (50, 10, 10, 410), (50, 5, 3, 140), (20, 5, 3, 50), (20, 2, 2, 38)],
)
def test_model_calls(steps: int, jump_length: int, resamplings: int, calls: int) -> None:
    moves = resampling_schedule(steps=steps, jump_length=jump_length, resamplings=resamplings)
    assert denoised(moves) == calls


@pytest.mark.parametrize(("start", "steps", "top"), [(1, 1, 1), (1, 2, 2), (0.5, 2, 1), (0.5, 7, 4), (1, 20, 20)])
def test_the_walk_is_connected_from_the_top_to_the_clean(start: float, steps: int, top: int) -> None:
    for jump_length, resamplings in itertools.product((1, 2, 5, 19, 20, 30), (0, 1, 2, 4)):
        moves = resampling_schedule(steps=steps, jump_length=jump_length, resamplings=resamplings, start=start)
        assert moves[0][0] == top and moves[-1][1] == 0
        assert all(one[1] == two[0] for one, two in itertools.pairwise(moves))
        assert all(after in (before - 1, before + jump_length) and 0 <= after <= top for before, after in moves)
        jumps = Counter(before for before, after in moves if after > before)
        bottoms = range(0, top - jump_length, jump_length) if resamplings > 1 else ()
        assert jumps == dict.fromkeys(bottoms, resamplings - 1)


@pytest.mark.parametrize("resamplings", [0, 1])
def test_no_resampling_is_plain_denoising(resamplings: int) -> None:
    moves = resampling_schedule(steps=5, jump_length=2, resamplings=resamplings)
    assert moves == [(5, 4), (4, 3), (3, 2), (2, 1), (1, 0)]


@pytest.mark.parametrize(("start", "steps", "levels"), [(0.55, 20, 11), (0.7, 10, 7), (0.71, 10, 8), (1e-9, 10, 1)])
def test_start_walks_the_last_levels_only(start: float, steps: int, levels: int) -> None:
    assert resampling_schedule(steps=steps, jump_length=99, resamplings=2, start=start)[0] == (levels, levels - 1)


def test_arguments_out_of_range() -> None:
    with pytest.raises(ValueError, match="steps >= 1, jump_length >= 1, resamplings >= 0, got 5, 0, -1"):
        resampling_schedule(steps=5, jump_length=0, resamplings=-1)
    for start in (0.0, 1.5):
        with pytest.raises(ValueError, match=rf"start must be in \(0, 1\], got {start}"):
            resampling_schedule(steps=5, jump_length=1, resamplings=1, start=start)
