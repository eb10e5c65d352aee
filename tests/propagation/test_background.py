import numpy as np

from restore.frame import Frame
from restore.propagation.background import MOST_VOTES, Background, differing
from tests.propagation.footage import noisy, texture

H, W = 48, 64
SCENE = texture(H, W) // 2 + 60
VISIBLE = np.zeros((H, W), bool)
SPOT = np.zeros((H, W), bool)
SPOT[16:32, 20:36] = True  # where an object or an obstruction is
INSIDE = (slice(19, 29), slice(23, 33))  # clear of its rim: change is looked for in a neighbourhood


def with_object(scene: np.ndarray = SCENE) -> np.ndarray:
    return np.where(SPOT[..., None], 255 - scene // 2, scene)


def record(image: np.ndarray, hidden: np.ndarray = VISIBLE) -> Frame:
    return Frame(image, mask=hidden.astype(np.float32))


def after(images: list[np.ndarray], hidden: np.ndarray = VISIBLE) -> Background:
    background = Background.empty(H, W)
    for number, image in enumerate(images):
        background = background.voted(record(image, hidden), number)
    return background


def distance(background: Background) -> float:
    """How far the spot is from the scene."""
    return float(np.abs(background.colour - SCENE)[INSIDE].max())


def test_it_knows_nothing_at_first() -> None:
    background = Background.empty(H, W)
    assert background.empty_yet and not background.known.any()


def test_the_first_frame_is_taken_as_it_is_less_what_it_excludes() -> None:
    background = after([SCENE], SPOT)
    assert not background.known[SPOT].any() and not background.known[15, 20] and background.known[14].all()
    assert np.array_equal(background.colour[background.known], SCENE[background.known])


def test_an_object_that_goes_leaves_no_trace() -> None:
    background = after([SCENE] * 20 + [with_object()] * 12)
    assert distance(background) < 0.1
    assert (background.votes[INSIDE] == 8).all() and (background.last_seen[INSIDE] == 19).all()
    assert background.votes[0, 0] == 32 and background.last_seen[0, 0] == 31


def test_what_was_there_first_and_went_leaves_no_trace() -> None:
    assert distance(after([with_object()] * 6 + [SCENE] * 15)) < 0.1


def test_what_has_come_to_stay_is_the_background_in_time() -> None:
    images = [SCENE] * 10 + [with_object()] * 25
    assert np.abs(after(images).colour - with_object())[INSIDE].max() < 0.1


def test_votes_are_bounded() -> None:
    background = after([SCENE] * 5)
    for number in range(int(MOST_VOTES)):
        background = background.voted(record(SCENE), number)
    assert background.votes.max() == MOST_VOTES


def test_noise_is_averaged_out() -> None:
    background = after([noisy(SCENE, 10, seed) for seed in range(32)])
    assert (background.colour - SCENE).std() < 10 / np.sqrt(32) * 1.3


def test_a_spot_that_is_hidden_for_long_stays_known() -> None:
    """With noise, while the light goes up by a third and down again."""
    background = after([noisy(SCENE, 8, seed) for seed in range(25)])
    votes = background.votes.copy()
    for t in range(300):
        gain = 1 + 0.3 * np.sin(np.pi * t / 300)
        background = background.voted(record(noisy(SCENE * gain, 8, 100 + t), SPOT), 25 + t)
    assert np.array_equal(background.votes[SPOT], votes[SPOT])
    assert (background.last_seen[SPOT] == 24).all() and (background.age(324)[SPOT] == 300).all()
    assert abs(float((background.colour - SCENE)[SPOT].mean())) < 2


def test_another_view_begins_anew() -> None:
    background = after([SCENE] * 10 + [texture(H, W, seed=9)])
    assert (background.votes == 1).all() and np.array_equal(background.colour, texture(H, W, seed=9))


def test_a_highlight_outlives_an_exposure_that_clips_it() -> None:
    bright, dark = SCENE.copy(), (SCENE * 0.8).round().astype(np.uint8)
    bright[SPOT], dark[SPOT] = 255, 235  # of a light of 294
    background = after([dark] * 10 + [bright] * 10 + [dark])
    assert np.abs(background.colour - dark)[INSIDE].max() < 4 and background.votes[INSIDE].min() == 21


def test_its_age_is_the_distance_in_time() -> None:
    background = after([SCENE] * 3 + [with_object()] * 2)
    assert [background.age(number)[24, 28] for number in (0, 2, 3, 4, 6)] == [2, 0, 1, 2, 4]


def test_noise_is_no_difference_and_an_object_is() -> None:
    clean = SCENE.astype(np.float32)
    assert not differing(clean + noisy(clean * 0 + 128, 15) - 128, noisy(SCENE, 5, seed=1).astype(np.float32)).any()
    found = differing(noisy(SCENE, 10).astype(np.float32), with_object().astype(np.float32))
    assert found[INSIDE].all() and not found[:12].any()


def test_what_the_exposure_clips_does_not_differ() -> None:
    assert not differing(np.full((H, W, 3), 300, np.float32), np.full((H, W, 3), 255, np.float32)).any()
