import numpy as np
import pytest

from restore.refinement.feather import feathered


def hole(height: int, width: int, top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("feather", [0, 1, 5, 30])
def test_alpha_is_zero_outside_the_hole_and_above_it_inside(feather: int) -> None:
    unseen = np.random.default_rng(0).random((40, 50)) < 0.7
    alpha = feathered(unseen, feather=feather)
    assert alpha.dtype == np.float32 and alpha.shape == unseen.shape
    assert np.array_equal(alpha > 0, unseen) and alpha.max() <= 1


@pytest.mark.parametrize("feather", [0, 1, 4])
def test_alpha_rises_evenly_from_the_edge(feather: int) -> None:
    alpha = feathered(hole(60, 60, 10, 10, 50, 50), feather=feather)
    rise = [(step + 1) / (feather + 1) for step in range(feather)] + [1.0, 1.0]
    for line in (alpha[10:, 30], alpha[49::-1, 30], alpha[30, 10:], alpha[30, 49::-1]):
        assert line[: feather + 2] == pytest.approx(rise)


def test_the_frames_border_is_no_edge() -> None:
    alpha = feathered(hole(60, 60, 0, 0, 30, 60), feather=6)
    assert (alpha[:20] == 1).all() and alpha[29].max() < 0.2
    assert (alpha == alpha[:, :1]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (6, 7)])
def test_a_frame_hidden_in_full_or_not_at_all(size: tuple[int, int]) -> None:
    assert (feathered(np.ones(size, bool), feather=3) == 1).all()
    assert not feathered(np.zeros(size, bool), feather=3).any()


def test_impossible_feather() -> None:
    with pytest.raises(ValueError, match="need feather >= 0, got -1"):
        feathered(np.ones((2, 2), bool), feather=-1)
