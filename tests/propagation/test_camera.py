from itertools import pairwise

import cv2
import numpy as np
import pytest

from restore.arrays import dilate
from restore.propagation.camera import IDENTITY, NO_AGREEMENT, STATIC, Camera, camera_motion, follow_camera
from tests.propagation.footage import at_rest, camera, frames_of, noisy, texture

H, W = 96, 128
NOTHING = np.zeros((H, W), bool)
TURN = np.array([[1.02, -0.01, 6.0], [0.01, 0.99, -4.0]], np.float32)  # a zoom, a roll and a shift


def luma(seed: int = 0) -> np.ndarray:
    return np.ascontiguousarray(texture(H, W, seed, scale=10)[..., 1])


def turned(picture: np.ndarray) -> np.ndarray:
    """What the camera sees after `TURN`: a pixel of it lies in `picture` where `TURN` points."""
    return follow_camera(picture, Camera(TURN, False))


def miss(found: Camera, wanted: np.ndarray) -> float:
    """How far apart two motions lead, at most."""
    corners = np.array([[0, 0, 1], [W, 0, 1], [0, H, 1], [W, H, 1]])
    return float(np.abs(corners @ (found.matrix - wanted).T).max())


def lumas(clip: np.ndarray) -> list[np.ndarray]:
    return [frame.luma for frame in frames_of(clip, np.zeros(clip.shape[:3]))]


def test_a_turn_is_found() -> None:
    found = camera_motion(turned(luma()), luma(), NOTHING)
    assert found.matrix.dtype == np.float32 and miss(found, TURN) < 0.3
    assert not found.static and not found.unknown


@pytest.mark.parametrize("visible", [np.s_[:, 50:75], np.s_[40:65]], ids=["upright", "level"])
def test_no_motion_is_extrapolated_from_a_sliver(visible: slice | tuple[slice, slice]) -> None:
    hidden = np.ones((H, W), bool)
    hidden[visible] = False
    assert camera_motion(turned(luma()), luma(), hidden) is STATIC


def test_a_static_camera_is_exactly_static() -> None:
    for sigma in (0, 3):
        now, previous = noisy(np.stack([luma()] * 2), sigma)
        found = camera_motion(now, previous, NOTHING)
        assert found.static and found.matrix is IDENTITY and not found.unknown


def test_noise_of_15_levels_leaves_a_static_camera_static() -> None:
    clip = noisy(camera(30, height=160, width=216), 15)
    pictures = lumas(clip)
    nothing = np.zeros(pictures[0].shape, bool)
    moving = [not camera_motion(now, previous, nothing).static for previous, now in pairwise(pictures)]
    assert np.mean(moving) < 0.05


@pytest.mark.parametrize("step", [(0.1, 0.0), (0.0, -0.1), (0.2, 0.2), (-0.6, 0.0)])
def test_a_drift_of_a_tenth_of_a_pixel_is_motion(step: tuple[float, float]) -> None:
    pictures = lumas(camera(8, *step, height=160, width=216))
    nothing = np.zeros(pictures[0].shape, bool)
    for previous, now in pairwise(pictures):
        found = camera_motion(now, previous, nothing)
        assert not found.static and not found.unknown
        assert np.abs(2 * found.matrix[:, 2] - step).max() < 0.1  # of a luma at half resolution


@pytest.mark.parametrize("motion", [{"zoom": 0.002}, {"roll": 0.1}])
def test_a_slow_zoom_and_a_slow_roll_are_motion(motion: dict[str, float]) -> None:
    pictures = lumas(camera(6, **motion, height=160, width=216))
    nothing = np.zeros(pictures[0].shape, bool)
    for previous, now in pairwise(pictures):
        assert not camera_motion(now, previous, nothing).static


def test_what_moves_by_itself_does_not_move_the_camera() -> None:
    now, previous = turned(luma()), luma()
    now[20:60, 20:60] = previous[20:60, 20:60] = luma(seed=1)[:40, :40]  # it goes along with the camera
    assert miss(camera_motion(now, previous, NOTHING), TURN) < 0.3


def test_what_moves_slowly_by_itself_does_not_move_a_static_camera() -> None:
    """By less than the distance at which points still vote for one motion."""
    now, previous = luma(), luma()
    thing = texture(44, 80, seed=1, scale=10)[..., 1]
    previous[20:60, 20:90], now[20:60, 20:90] = thing[2:42, 2:72], thing[2:42, 1:71]
    assert camera_motion(now, previous, NOTHING).static


def test_what_is_hidden_does_not_count() -> None:
    """Even where it covers most of the picture."""
    now, previous, hidden = turned(luma()), luma(), NOTHING.copy()
    hidden[:, 40:] = True
    now[hidden] = previous[hidden] = luma(seed=1)[hidden]
    assert miss(camera_motion(now, previous, hidden), TURN) < 2  # at a corner far from all that is visible
    assert camera_motion(now, previous, NOTHING).static


def test_points_leave_room_for_their_window_around_what_is_hidden() -> None:
    now, previous, hidden = turned(luma()), luma(), NOTHING.copy()
    hidden[30:60, 30:90] = True
    now[hidden] = previous[hidden] = 255
    assert miss(camera_motion(now, previous, hidden), TURN) < 0.3
    everywhere = dilate(NOTHING, 1)
    everywhere[::10, ::10] = True  # no window of a point is free of it
    assert camera_motion(now, previous, everywhere) is STATIC


@pytest.mark.parametrize(
    ("now", "previous", "hidden", "wanted"),
    [
        (luma(1), luma(2), NOTHING, NO_AGREEMENT),
        (turned(luma()), luma(), ~NOTHING, STATIC),
        (np.zeros((H, W), np.uint8), np.zeros((H, W), np.uint8), NOTHING, STATIC),
        (np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8), np.zeros((1, 1), bool), STATIC),
    ],
    ids=["another scene", "all hidden", "nothing to track", "one pixel"],
)
def test_where_no_motion_can_be_found(
    now: np.ndarray, previous: np.ndarray, hidden: np.ndarray, wanted: Camera
) -> None:
    found = camera_motion(now, previous, hidden)
    assert found is wanted and found.matrix is IDENTITY and found.unknown == (wanted is NO_AGREEMENT)


def test_following_takes_the_motion_out() -> None:
    previous, now = at_rest(1, H, W)[0], turned(at_rest(1, H, W)[0])
    found = camera_motion(cv2.cvtColor(now, cv2.COLOR_RGB2GRAY), cv2.cvtColor(previous, cv2.COLOR_RGB2GRAY), NOTHING)
    assert np.abs(follow_camera(previous, found).astype(int) - now).mean() < 2
    assert follow_camera(previous, STATIC) is previous and follow_camera(previous, NO_AGREEMENT) is previous


@pytest.mark.parametrize("seed", range(3))
def test_before_a_flat_wall_noise_leaves_a_static_camera_static(seed: int) -> None:
    """Points on it find motion in the noise, and those that are close to each other find the same."""
    picture = texture(120, 160, seed, scale=20)
    picture[:, :100] = picture[:, :100] // 24 + 40
    pictures = lumas(noisy(picture[None].repeat(21, 0), 15, seed))
    nothing = np.zeros(pictures[0].shape, bool)
    moving = [not camera_motion(now, previous, nothing).static for previous, now in pairwise(pictures)]
    assert np.mean(moving) < 0.1


@pytest.mark.parametrize("step", [1, 2])
def test_what_moves_far_from_a_static_ground_does_not_bend_it(step: int) -> None:
    """A motion that is zero on the one side and some on the other would be within a pixel of both."""
    now, previous, hidden = luma(), luma(), NOTHING.copy()
    thing = texture(60, 60, seed=1, scale=10)[..., 1]
    previous[20:70, 80:120], now[20:70, 80:120] = thing[5:55, 5:45], thing[5:55, 5 - step : 45 - step]
    hidden[10:90, 40:75] = True
    assert camera_motion(now, previous, hidden).static
