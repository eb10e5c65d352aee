import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.object_motion import moved_objects
from tests.propagation.footage import noisy, texture

H, W = 96, 128
GROUND, FUR = texture(H, W) // 2 + 60, texture(H, W + 40, seed=5, scale=5)
SIDE = 40


def scene(left: int, *, sigma: float = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a textured square, and where that is."""
    image, there = GROUND.copy(), np.zeros((H, W), bool)
    there[30 : 30 + SIDE, left : left + SIDE] = True
    image[there] = FUR[:SIDE, :SIDE].reshape(-1, 3)
    return noisy(image, sigma, seed), there


def excluded_from(column: int) -> np.ndarray:
    return np.broadcast_to(np.arange(W) >= column, (H, W)).copy()


def record(image: np.ndarray, excluded: np.ndarray) -> Frame:
    """A frame that excludes these pixels: those whose mask they are, dilated."""
    frame = Frame(image, mask=np.zeros((H, W), np.float32))
    frame.__dict__["excluded"] = excluded
    return frame


def going(x: float, y: float = 0) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (H, W, 2)).copy()


NOWHERE = np.zeros((H, W, 2), np.float32)


def moved(
    first: int,
    second: int,
    excluded: np.ndarray,
    *,
    tracked: np.ndarray = NOWHERE,
    observed: np.ndarray = NOWHERE,
    sigma: float = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Velocity, presence and uncovered ground of the square that goes from column to column; where it is in the end."""
    (last, was), (now, there) = scene(first, sigma=sigma), scene(second, sigma=sigma, seed=1)
    result = moved_objects(was, tracked, observed, record(last, excluded), record(now, excluded))
    return result.velocity, result.present, result.uncovered, there


@pytest.mark.parametrize("sigma", [0, 10])
@pytest.mark.parametrize("flow", [2.4, 3.6])
def test_a_velocity_is_corrected_by_what_is_visible(flow: float, sigma: float) -> None:
    velocity, present, _, truth = moved(30, 33, excluded_from(68), observed=going(flow, 0.3), sigma=sigma)
    x, y = velocity[50, 50]
    assert abs(x - 3) < 0.6 * abs(flow - 3) and abs(y) < 0.2
    assert np.array_equal(present, truth & excluded_from(68))


def test_an_object_that_is_wholly_hidden_continues_as_it_was_going() -> None:
    excluded = excluded_from(20)
    velocity, present, uncovered, truth = moved(40, 43, excluded, tracked=going(3))
    assert np.array_equal(present, truth) and (velocity[truth] == (3, 0)).all() and not velocity[~truth].any()
    assert np.array_equal(uncovered, scene(40)[1] & ~truth)


def test_an_object_that_was_never_seen_to_move_stays() -> None:
    # Flow says nothing of what is hidden.
    velocity, present, uncovered, _ = moved(40, 43, excluded_from(20), observed=going(3))
    assert not velocity.any() and not present.any() and not uncovered.any()


def test_an_object_at_rest_stays() -> None:
    _, present, uncovered, _ = moved(40, 40, excluded_from(60), observed=going(0.1))
    assert not present.any() and not uncovered.any()


def test_a_velocity_that_what_is_visible_contradicts_is_not_believed() -> None:
    _, present, uncovered, _ = moved(40, 40, excluded_from(70), tracked=going(6), observed=going(6), sigma=5)
    assert not present.any() and not uncovered.any()


def test_far_from_all_that_is_hidden_nothing_is_tracked() -> None:
    velocity, *_ = moved(20, 23, excluded_from(110), observed=going(3))
    assert not velocity.any()


def test_what_is_smaller_than_noise_is_not_tracked() -> None:
    speck = np.zeros((H, W), bool)
    speck[40:42, 40:42] = True
    frame = record(GROUND, excluded_from(20))
    assert not moved_objects(speck, going(3), NOWHERE, frame, frame).velocity.any()


def test_two_objects_each_go_their_way() -> None:
    objects = np.zeros((H, W), bool)
    objects[10:30, 40:60] = objects[60:80, 40:60] = True
    tracked = np.where((np.arange(H) < 48)[:, None, None], going(4), going(-2, 1))
    frame = record(GROUND, np.ones((H, W), bool))
    result = moved_objects(objects, tracked, NOWHERE, frame, frame)
    wanted = np.zeros((H, W), bool)
    wanted[10:30, 44:64] = wanted[61:81, 38:58] = True
    assert np.array_equal(result.present, wanted) and np.array_equal(result.uncovered, objects & ~wanted)
