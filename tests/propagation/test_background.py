import numpy as np

from restore.propagation.background import MOST, Background, differing
from tests.propagation.scenes import noisy, texture

H, W = 48, 64
SCENE = texture(H, W) // 2 + 60
SEEN = np.zeros((H, W), bool)
SPOT = np.zeros((H, W), bool)
SPOT[16:32, 20:36] = True  # where something passes or hides
INSIDE = (slice(19, 29), slice(23, 33))  # clear of its rim: change is looked for in a neighbourhood


def with_object(scene: np.ndarray = SCENE) -> np.ndarray:
    return np.where(SPOT[..., None], 255 - scene // 2, scene)


def after(frames: list[np.ndarray], hidden: np.ndarray = SEEN) -> Background:
    background = Background.empty(H, W)
    for frame in frames:
        background = background.exposed(frame, hidden).voted(frame, hidden)
    return background


def far(background: Background) -> float:
    """How far the spot is from the scene."""
    return float(np.abs(background.colour - SCENE)[INSIDE].max())


def test_it_knows_nothing_at_first() -> None:
    assert not Background.empty(H, W).known.any()


def test_what_passes_leaves_no_trace() -> None:
    frames = [SCENE] * 20 + [with_object()] * 12
    background = after(frames)
    assert far(background) < 0.1
    assert (background.votes[INSIDE] == 8).all() and (background.age[INSIDE] == 12).all()
    assert background.votes[0, 0] == 32 and background.age[0, 0] == 0


def test_what_was_there_first_and_went_leaves_no_trace() -> None:
    assert far(after([with_object()] * 6 + [SCENE] * 15)) < 0.1


def test_what_has_come_to_stay_is_the_background_in_time() -> None:
    frames = [SCENE] * 10 + [with_object()] * 25
    assert np.abs(after(frames).colour - with_object())[INSIDE].max() < 0.1


def test_votes_are_bounded() -> None:
    background = after([SCENE] * 5)
    for _ in range(int(MOST)):
        background = background.voted(SCENE, SEEN)
    assert background.votes.max() == MOST


def test_noise_is_averaged_out() -> None:
    background = after([noisy(SCENE, 10, seed) for seed in range(32)])
    assert (background.colour - SCENE).std() < 10 / np.sqrt(32) * 1.3


def test_a_spot_seen_in_the_first_second_is_kept_for_a_minute() -> None:
    """At 25 frames a second, with noise, while the light goes up by a third and down again."""
    background = after([noisy(SCENE, 8, seed) for seed in range(25)])
    votes = background.votes.copy()
    for t in range(1500):
        gain = 1 + 0.3 * np.sin(np.pi * t / 1500)
        frame = noisy(SCENE * gain, 8, 100 + t)
        background = background.exposed(frame, SPOT).voted(frame, SPOT)
    assert np.array_equal(background.votes[SPOT], votes[SPOT]) and (background.age[SPOT] == 1500).all()
    assert abs(float((background.colour - SCENE)[SPOT].mean())) < 2


def test_another_view_begins_anew() -> None:
    background = after([SCENE] * 10 + [texture(H, W, seed=9)])
    assert (background.votes == 1).all() and np.array_equal(background.colour, texture(H, W, seed=9))


def test_a_highlight_outlives_an_exposure_that_clips_it() -> None:
    bright, dark = SCENE.copy(), (SCENE * 0.8).round().astype(np.uint8)
    bright[SPOT], dark[SPOT] = 255, 235  # of a light of 294
    background = after([dark] * 10 + [bright] * 10 + [dark], SEEN)
    assert np.abs(background.colour - dark)[INSIDE].max() < 4 and background.votes[INSIDE].min() == 21


def test_its_age_is_the_distance_in_time() -> None:
    background = after([SCENE] * 3 + [with_object()] * 2)
    assert [background.ago(frames).age[24, 28] for frames in (0, 1, 2, 4)] == [2, 1, 0, 2]


def test_noise_is_no_difference_and_an_object_is() -> None:
    assert not differing(noisy(SCENE, 15), noisy(SCENE, 5, seed=1)).any()
    found = differing(noisy(SCENE, 10), with_object())
    assert found[INSIDE].all() and not found[:12].any()
