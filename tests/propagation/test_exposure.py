import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.exposure import exposure, relit
from tests.propagation.footage import noisy, texture

H, W = 90, 120
SCENE = texture(H, W) // 2 + 60  # 60..187: nothing clips
BOTH = np.ones((H, W), bool)


def fitted(frame: np.ndarray, both: np.ndarray = BOTH, scene: np.ndarray = SCENE) -> np.ndarray:
    """From one picture to another, by the cells in which all of `both` is visible."""
    old, new = (Frame(image, mask=(~both).astype(np.float32)) for image in (scene, frame))
    return exposure(old.cells[new.visible_cells], new.cells[new.visible_cells])


def brighter(gain: float, offset: float) -> np.ndarray:
    return (SCENE * gain + offset).clip(0, 255).round().astype(np.uint8)


def test_an_unchanged_exposure_is_exactly_none() -> None:
    light = fitted(SCENE)
    assert np.array_equal(light, np.eye(3, 4))
    picture = SCENE.astype(np.float32)
    assert relit(picture, light) is picture


@pytest.mark.parametrize(("gain", "offset"), [(1.15, 0), (0.85, 0), (1, 12), (1.1, -20)])
def test_what_changed_is_found_and_applied(gain: float, offset: float) -> None:
    frame = brighter(gain, offset)
    relighted = relit(SCENE.astype(np.float32), fitted(frame))
    assert np.abs(relighted - frame).max() < 2


def test_each_channel_has_its_own() -> None:
    frame = np.stack([SCENE[..., 0] + 10, SCENE[..., 1], SCENE[..., 2] - 10], -1)
    assert np.allclose(fitted(frame), np.eye(3, 4) + np.array([[0, 0, 0, x] for x in (10, 0, -10)]), atol=1e-4)


def test_noise_changes_little() -> None:
    light = fitted(noisy(SCENE, 15, seed=1), scene=noisy(SCENE, 5))
    assert np.abs(relit(SCENE.astype(np.float32), light) - SCENE).max() < 2.5


def test_what_moves_over_a_third_of_the_picture_counts_for_little() -> None:
    frame = SCENE.copy()
    frame[:, :40] = 230
    assert np.abs(relit(SCENE.astype(np.float32), fitted(frame)) - SCENE).mean() < 4
    assert np.abs(frame.astype(float) - SCENE).mean() > 25


def test_what_is_hidden_counts_for_nothing() -> None:
    frame, both = brighter(1.1, 5), BOTH.copy()
    frame[:, :70], both[:, :70] = 0, False
    assert np.array_equal(fitted(frame, both), fitted(brighter(1.1, 5), both))


def test_too_little_to_judge_by_changes_nothing() -> None:
    both = np.zeros((H, W), bool)
    both[:12, :12] = True
    assert np.array_equal(fitted(brighter(1.2, 0), both), np.eye(3, 4))
    assert np.array_equal(fitted(brighter(1.2, 0), ~BOTH), np.eye(3, 4))


def test_luma_alone_has_one_gain_and_one_offset() -> None:
    old = Frame(SCENE).cells.reshape(-1, 3)[:, :1]
    light = exposure(old, old * 1.2 - 10)
    assert light.shape == (1, 2) and np.allclose(light, [[1.2, -10]], atol=0.05)
    plane = SCENE[..., 0].astype(np.float32)
    assert np.abs(relit(plane, light) - (plane * 1.2 - 10)).max() < 2


def test_a_highlight_may_leave_the_range_of_levels() -> None:
    light = np.array([[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    assert relit(np.full((2, 2, 3), 200, np.float32), light)[0, 0].tolist() == [400, 200, 200]


def test_clipped_highlights_do_not_mislead() -> None:
    scene = texture(H, W, scale=20)
    frame = (scene * 1.2).clip(0, 255).round().astype(np.uint8)
    assert fitted(frame, scene=scene)[[0, 1, 2], [0, 1, 2]] == pytest.approx([1.2] * 3, abs=0.05)


def test_it_is_bounded() -> None:
    light = fitted(np.full((H, W, 3), 249, np.uint8), scene=np.full((H, W, 3), 5, np.uint8))
    assert np.abs(light[:, 3]).max() <= 64


def test_a_flat_picture_has_an_offset_and_no_gain() -> None:
    flat = np.full((H, W, 3), 100, np.uint8)
    light = fitted(noisy(flat + 20, 3), scene=flat)
    assert np.array_equal(light[:, :3], np.eye(3)) and light[:, 3] == pytest.approx([20] * 3, abs=0.5)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (16, 200)])
def test_any_size(size: tuple[int, int]) -> None:
    frame = texture(*size)
    assert np.array_equal(fitted(frame, np.ones(size, bool), frame), np.eye(3, 4))
