import cv2
import numpy as np
import pytest

from restore.propagation.camera import STANDING, camera_motion, follow_camera
from tests.propagation.scenes import noisy, still, texture

H, W = 96, 128
NOTHING = np.zeros((H, W), bool)
TURN = np.array([[1.02, -0.01, 6.0], [0.01, 0.99, -4.0]], np.float32)  # a zoom, a roll and a shift


def luma(seed: int = 0) -> np.ndarray:
    return np.ascontiguousarray(texture(H, W, seed, scale=10)[..., 1])


def turned(picture: np.ndarray) -> np.ndarray:
    """What the camera sees after `TURN`: a pixel of it lies in `picture` where `TURN` points."""
    return follow_camera(picture, TURN)


def miss(camera: np.ndarray, wanted: np.ndarray) -> float:
    """How far apart two motions lead, at most."""
    corners = np.array([[0, 0, 1], [W, 0, 1], [0, H, 1], [W, H, 1]])
    return float(np.abs(corners @ (camera - wanted).T).max())


def test_a_turn_is_found() -> None:
    camera = camera_motion(turned(luma()), luma(), NOTHING)
    assert camera.dtype == np.float32 and miss(camera, TURN) < 0.3


def test_a_camera_that_stands_still_stands_exactly_still() -> None:
    for sigma in (0, 3):
        now, previous = noisy(np.stack([luma()] * 2), sigma)
        assert camera_motion(now, previous, NOTHING) is STANDING


def test_what_moves_by_itself_does_not_move_the_camera() -> None:
    now, previous = turned(luma()), luma()
    now[20:60, 20:60] = previous[20:60, 20:60] = luma(seed=1)[:40, :40]  # it goes along with the camera
    assert miss(camera_motion(now, previous, NOTHING), TURN) < 0.3


def test_what_is_hidden_is_not_looked_at() -> None:
    """Even where it covers most of the picture."""
    now, previous, hidden = turned(luma()), luma(), NOTHING.copy()
    hidden[:, 40:] = True
    now[hidden] = previous[hidden] = luma(seed=1)[hidden]
    assert miss(camera_motion(now, previous, hidden), TURN) < 2  # at a corner far from all that is seen
    assert camera_motion(now, previous, NOTHING) is STANDING


@pytest.mark.parametrize(
    ("now", "previous", "hidden"),
    [
        (luma(1), luma(2), NOTHING),
        (turned(luma()), luma(), ~NOTHING),
        (np.zeros((H, W), np.uint8), np.zeros((H, W), np.uint8), NOTHING),
        (np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8), np.zeros((1, 1), bool)),
    ],
    ids=["another scene", "all hidden", "nothing to follow", "one pixel"],
)
def test_where_nothing_can_be_found_it_stands_still(now: np.ndarray, previous: np.ndarray, hidden: np.ndarray) -> None:
    assert camera_motion(now, previous, hidden) is STANDING


def test_following_takes_the_motion_out() -> None:
    previous, now = still(1, H, W)[0], turned(still(1, H, W)[0])
    found = camera_motion(cv2.cvtColor(now, cv2.COLOR_RGB2GRAY), cv2.cvtColor(previous, cv2.COLOR_RGB2GRAY), NOTHING)
    assert np.abs(follow_camera(previous, found).astype(int) - now).mean() < 2
    assert follow_camera(previous, STANDING) is previous


@pytest.mark.parametrize("seed", range(8))
def test_noise_where_there_is_little_to_follow_is_no_motion(seed: int) -> None:
    picture = luma(seed)
    picture[:, :80] = picture[:, :80] // 24 + 40  # a wall
    now, previous = noisy(np.stack([picture] * 2), 6, seed)
    assert camera_motion(now, previous, NOTHING) is STANDING
