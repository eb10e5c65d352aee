"""Which frames are looked at in a report, and what they look like there."""

import json

import cv2
import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.overlay import overlay
from restore.inference.stills import SLOTS, WIDTH, Stills
from restore.propagation.provenance import COPIED
from restore.restored import Restored

HEIGHT = 20


def result(level: int, hidden: int, width: int = 32) -> Restored:
    """A frame of one level, restored one level brighter, with this many hidden columns."""
    mask = np.zeros((HEIGHT, width), np.float32)
    mask[:, :hidden] = 1
    image = np.full((HEIGHT, width, 3), level, np.uint8)
    codes = (mask * COPIED).astype(np.uint8)
    return Restored(Frame(image, mask=mask), image + np.uint8(20), codes, codes)


def chosen(frames: int, peaks: dict[int, int]) -> list[tuple[int, tuple[str, ...]]]:
    stills = Stills()
    for frame in range(frames):
        stills.add(result(frame % 200, peaks.get(frame, 0)), None)
        assert len(stills._firsts) <= SLOTS and len(stills._most) <= SLOTS
    return [(still.frame, still.why) for still in stills.chosen()]


def test_the_most_hidden_are_chosen_among_the_first_the_middle_and_the_last() -> None:
    peaks = {30: 9, 31: 8, 70: 7, 95: 8, 40: 2}  # 31: hardly another moment than 30
    assert chosen(100, peaks) == [
        (0, ("first",)),
        (30, ("most hidden",)),
        (48, ("middle",)),
        (70, ("most hidden",)),
        (95, ("most hidden",)),
        (99, ("last",)),
    ]


@pytest.mark.parametrize(
    ("frames", "peaks", "expected"),
    [
        (1, {}, [(0, ("first", "middle", "last"))]),
        (3, {2: 5}, [(0, ("first",)), (1, ("middle",)), (2, ("last", "most hidden"))]),
        (1000, {}, [(0, ("first",)), (512, ("middle",)), (999, ("last",))]),
    ],
)
def test_each_frame_once(frames: int, peaks: dict[int, int], expected: list[tuple[int, tuple[str, ...]]]) -> None:
    assert chosen(frames, peaks) == expected


@pytest.mark.parametrize("done", [1, 7, 40, 99, 100])
def test_they_go_on_where_others_ended(done: int) -> None:
    one, first, second = Stills(), Stills(), Stills()
    for frame in range(100):
        made = result(frame, frame * 7 % 31)
        one.add(made, None)
        (first if frame < done else second).add(made, None)
        if frame == done - 1:
            second.resume(json.loads(json.dumps(first.state())))
    assert second.chosen() == one.chosen()


def test_pictures_are_small_and_of_the_frame() -> None:
    stills = Stills()
    for level in (40, 80):
        stills.add(result(level, hidden=300, width=2 * WIDTH), np.full((HEIGHT, 2 * WIDTH, 3), 200, np.uint8))
    last = stills.chosen()[-1]
    assert (last.frame, last.hidden) == (1, 300 / (2 * WIDTH))
    pictures = {name: cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1] for name, data in last.pictures.items()}
    levels = {"original": 200, "degraded": 80, "restored": 100}
    for name, level in levels.items():
        assert pictures[name].shape == (HEIGHT // 2, WIDTH, 3) and np.abs(pictures[name].astype(int) - level).max() < 2
    codes = np.zeros((HEIGHT // 2, WIDTH), np.uint8)
    codes[:, :150] = COPIED
    drawn = overlay(np.full((HEIGHT // 2, WIDTH, 3), 100, np.uint8), codes)
    assert list(pictures) == ["original", "degraded", "restored", "provenance"]
    assert np.abs(pictures["provenance"].astype(int) - drawn).mean() < 3
