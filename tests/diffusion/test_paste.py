import numpy as np
import pytest

from restore.diffusion.paste import feathered, paste


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


def pictures(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    if dtype == np.uint8:
        return rng.integers(0, 256, (24, 30, 3), np.uint8), rng.integers(0, 256, (24, 30, 3), np.uint8)
    return rng.normal(size=(24, 30, 3)).astype(dtype), rng.normal(size=(24, 30, 3)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_outside_the_hole_the_picture_is_exact_and_deep_inside_it_the_refined_one_is(dtype: type) -> None:
    picture, refined = pictures(dtype)
    before = picture.copy()
    alpha = feathered(hole(24, 30, 4, 6, 20, 24), feather=3)
    pasted = paste(picture, refined, alpha)
    assert pasted.dtype == dtype
    assert np.array_equal(pasted[alpha == 0], picture[alpha == 0])
    assert np.array_equal(pasted[alpha == 1], refined[alpha == 1])
    assert np.array_equal(picture, before)


def test_what_refined_holds_outside_the_hole_is_ignored() -> None:
    picture, refined = pictures(np.float32)
    alpha = feathered(hole(24, 30, 4, 6, 20, 24), feather=3)
    refined[alpha == 0] = np.nan
    assert np.isfinite(paste(picture, refined, alpha)).all()


def test_between_the_two_it_is_their_weighted_sum_rounded_once() -> None:
    picture, refined = pictures(np.uint8)
    alpha = feathered(hole(24, 30, 4, 6, 20, 24), feather=5)
    exact = picture + alpha[..., None].astype(np.float64) * (refined.astype(np.float64) - picture)
    assert np.abs(paste(picture, refined, alpha) - exact).max() <= 0.5 + 1e-4
    levels = refined + np.float32(0.4)  # regenerated pictures need not have been rounded before
    assert np.abs(paste(picture, levels, alpha) - (exact + 0.4 * alpha[..., None])).max() <= 0.5 + 1e-4


def test_levels_beyond_8_bits_are_clipped() -> None:
    picture = np.full((1, 2, 3), 128, np.uint8)
    refined = np.array([[[-20.0] * 3, [300.0] * 3]], np.float32)
    assert paste(picture, refined, np.ones((1, 2), np.float32))[..., 0].tolist() == [[0, 255]]
