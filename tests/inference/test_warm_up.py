"""From where a video is read again so that detection, and the scenes, are what they were."""

from collections.abc import Iterator

import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.warm_up import DETECTION, WarmUp
from restore.kinds import KINDS
from restore.models.segmenter import Segmenter
from restore.pipeline import Restorer
from restore.scenes import with_scenes
from tests.detection.networks import random_segmenter, white_segmenter
from tests.networks import Recorder, white_finder
from tests.propagation.footage import noisy, texture

FRAMES, AT = 132, 96


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """A texture that moves, with cuts, white squares that come and go, some of which stay, and a flash before `AT`."""
    random = np.random.default_rng(0)
    pictures = []
    for index in range(FRAMES):
        scene = sum(index >= cut for cut in (37, 59, 90, 101))
        picture = texture(48, 64 + FRAMES, seed=scene, scale=6)[:, index : index + 64] // 4 * 3
        for _ in range(3):
            top, left = random.integers(0, 40, 2)
            picture[top : top + 8, left : left + 10] = 255
        picture[4:12, 10 + 3 * scene : 30] = 255
        pictures.append(np.full_like(picture, 255) if 89 <= index < 93 else picture)
    return noisy(np.stack(pictures), 3)


def detected(clip: np.ndarray, segmenter: Segmenter, begin: int = 0) -> Iterator[Frame]:
    restorer = Restorer(Recorder(), white_finder(250), segmenter=segmenter, device="cpu", precision="float32")
    return with_scenes(restorer.detect((Frame(image) for image in clip[begin:]), remove=KINDS))


@pytest.mark.parametrize("kind", ["random", "text"])
def test_detection_is_the_same_behind_the_place(clip: np.ndarray, kind: str) -> None:
    segmenter = random_segmenter() if kind == "random" else white_segmenter(kind)
    warm_up, whole = WarmUp(detects=True), list(detected(clip, segmenter))
    for frame in whole[:AT]:
        warm_up.add(comparable=frame.comparable)
    assert 0 < warm_up.begin < AT - DETECTION
    again = list(detected(clip, segmenter, warm_up.begin))[AT - warm_up.begin - 2 :]
    scenes = [{frame.scene: number for number, frame in enumerate(frames)} for frames in (whole[AT - 2 :], again)]
    assert list(scenes[0].values()) == list(scenes[1].values())
    for one, other in zip(whole[AT - 2 :], again, strict=True):
        for name in ("probability", "kinds", "proven", "suspected", "mask"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_one_begins_behind_a_frame_that_can_be_compared() -> None:
    def begin(*comparable: bool, **settings: int) -> int:
        warm_up = WarmUp(detects=True, **settings)
        for one in comparable:
            warm_up.add(comparable=one)
        return warm_up.begin

    assert begin(*[True] * 240) == 180
    assert begin(*[True] * 100, *[False] * 140) == 48  # 99 is the last, less what detection needs
    assert begin(*[True] * 36, *[False] * 40, *[True] * 4) == 24
    assert begin(*[False] * 240) == 0
    assert begin(*[False] * 240, begin=180, frames=240) == 180
    assert begin(*[True] * 240, begin=180, frames=240) == 420
    without = WarmUp(detects=False)
    for _ in range(240):
        without.add(comparable=True)
    assert without.begin == 228
