import numpy as np
import pytest

from benchmarks.clevrer import SHARE, holes, in_hole


@pytest.mark.parametrize("kind", ["stationary", "variable"])
def test_holes_stay_or_do_not(kind: str) -> None:
    drawn = holes(kind, 5)
    assert len(drawn) == 5
    assert ((drawn == drawn[:, :1]).all(1).flatten(1).all(1) == (kind == "stationary")).all()
    assert (drawn.mean((1, 2, 3, 4)) - SHARE).abs().max() < 0.02
    assert (drawn == holes(kind, 5)).all()


def test_only_what_is_hidden_is_scored() -> None:
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 200, (4, 64, 64, 3), np.uint8)
    hidden = np.zeros(clean.shape[:3], bool)
    hidden[:, 24:40, 24:40] = True
    filled = np.where(hidden[..., None], clean + 16, clean)
    decibels, similar, distance = in_hole(filled, clean, hidden)
    assert decibels == pytest.approx(20 * np.log10(255 / 16), abs=1e-3)
    assert 0 < similar < 1 and distance > 0
    elsewhere = np.where(hidden[..., None], clean, clean + 16)
    same, _, _ = in_hole(elsewhere, clean, hidden)
    assert same == 100  # the cap: not a level differs
