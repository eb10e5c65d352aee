import numpy as np
import pytest

from restore.propagation.object_motion import View, passing
from tests.propagation.scenes import noisy, texture

H, W = 96, 128
GROUND, FUR = texture(H, W) // 2 + 60, texture(H, W + 40, seed=5, scale=5)
SIDE = 40


def scene(left: int, *, sigma: float = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A frame with a textured square, and where that is."""
    frame, there = GROUND.copy(), np.zeros((H, W), bool)
    there[30 : 30 + SIDE, left : left + SIDE] = True
    frame[there] = FUR[:SIDE, :SIDE].reshape(-1, 3)
    return noisy(frame, sigma, seed), there


def hidden_from(column: int) -> np.ndarray:
    return np.broadcast_to(np.arange(W) >= column, (H, W)).copy()


def going(x: float, y: float = 0) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (H, W, 2)).copy()


NOWHERE = np.zeros((H, W, 2), np.float32)


def moved(
    first: int,
    second: int,
    hidden: np.ndarray,
    *,
    followed: np.ndarray = NOWHERE,
    seen: np.ndarray = NOWHERE,
    sigma: float = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `passing` says of the square that goes from column to column; and where it is in the end."""
    (last, was), (now, there) = scene(first, sigma=sigma), scene(second, sigma=sigma, seed=1)
    result = passing(was, followed, seen, View(last, hidden), View(now, hidden))
    return result.velocity, result.there, result.left, there


@pytest.mark.parametrize("sigma", [0, 10])
@pytest.mark.parametrize("flow", [2.4, 3.6])
def test_a_velocity_is_corrected_by_what_is_in_view(flow: float, sigma: float) -> None:
    velocity, there, _, truth = moved(30, 33, hidden_from(68), seen=going(flow, 0.3), sigma=sigma)
    x, y = velocity[50, 50]
    assert abs(x - 3) < 0.6 * abs(flow - 3) and abs(y) < 0.2
    assert np.array_equal(there, truth & hidden_from(68))


def test_what_is_wholly_hidden_goes_on_as_it_was_going() -> None:
    hidden = hidden_from(20)
    velocity, there, left, truth = moved(40, 43, hidden, followed=going(3))
    assert np.array_equal(there, truth) and (velocity[truth] == (3, 0)).all() and not velocity[~truth].any()
    assert np.array_equal(left, scene(40)[1] & ~truth)


def test_what_was_never_seen_to_move_stays() -> None:
    velocity, there, left, _ = moved(40, 43, hidden_from(20), seen=going(3))  # flow says nothing of what is hidden
    assert not velocity.any() and not there.any() and not left.any()


def test_what_stands_stays() -> None:
    _, there, left, _ = moved(40, 40, hidden_from(60), seen=going(0.1))
    assert not there.any() and not left.any()


def test_a_velocity_that_what_is_in_view_contradicts_is_not_believed() -> None:
    _, there, left, _ = moved(40, 40, hidden_from(70), followed=going(6), seen=going(6), sigma=5)
    assert not there.any() and not left.any()


def test_far_from_all_that_is_hidden_nothing_is_followed() -> None:
    velocity, *_ = moved(20, 23, hidden_from(110), seen=going(3))
    assert not velocity.any()


def test_two_things_each_go_their_way() -> None:
    things = np.zeros((H, W), bool)
    things[10:30, 40:60] = things[60:80, 40:60] = True
    followed = np.where((np.arange(H) < 48)[:, None, None], going(4), going(-2, 1))
    view = View(GROUND, np.ones((H, W), bool))
    result = passing(things, followed, NOWHERE, view, view)
    wanted = np.zeros((H, W), bool)
    wanted[10:30, 44:64] = wanted[61:81, 38:58] = True
    assert np.array_equal(result.there, wanted) and np.array_equal(result.left, things & ~wanted)
