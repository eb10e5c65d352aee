"""A mask that is carried along what it was drawn around, however fast that is."""

import cv2
import numpy as np
import pytest

from restore.frame import Frame
from restore.page.follow import follow
from tests.propagation.footage import texture

SIZE = 120, 160
AROUND = 32  # px, of what moves


def passing(step: int, frames: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Something round that moves `step` px a frame before a scene at rest, and where it is: `T H W 3`, bool `T H W`."""
    scene, own = texture(*SIZE), texture(AROUND, AROUND, seed=1)
    disc = cv2.circle(np.zeros((AROUND, AROUND), np.uint8), (AROUND // 2, AROUND // 2), AROUND // 2 - 2, 1, -1) > 0
    clip, masks = np.stack([scene] * frames), np.zeros((frames, *SIZE), bool)
    for at in range(frames):
        there = np.s_[at, 40 : 40 + AROUND, 10 + step * at : 10 + step * at + AROUND]
        clip[there][disc], masks[there] = own[disc], disc
    return clip, masks


@pytest.mark.parametrize("step", [2, 6, 10, 15])  # 30 px a frame, where a picture is 320 px wide
def test_it_follows_what_is_fast(step: int) -> None:
    clip, masks = passing(step)
    for key, way in ((0, range(1, 7)), (6, range(5, -1, -1))):
        carried = dict(follow(masks[key], key, way, lambda number: Frame(clip[number])))
        overlaps = [(carried[at] & masks[at]).sum() / (carried[at] | masks[at]).sum() for at in way]
        assert min(overlaps) > 0.8, overlaps


def test_parts_that_move_apart_and_out_of_the_picture() -> None:
    clip, masks = passing(10)
    clip[:, 80:], masks[:, 80:] = (
        clip[:, 40:0:-1, ::-1],
        masks[:, 40:0:-1, ::-1],
    )  # and another that comes from the right
    carried = dict(follow(masks[0], 0, range(1, 7), lambda number: Frame(clip[number])))
    assert all((carried[at] & masks[at]).sum() > 0.9 * (carried[at] | masks[at]).sum() for at in carried)

    left, there = clip[:, :80, 48:], masks[:, :80, 48:]  # of which it goes out, to the left
    away = dict(follow(there[6], 6, range(5, -1, -1), lambda number: Frame(left[number])))
    areas = [away[at].sum() / there[6].sum() for at in range(5, -1, -1)]
    assert areas[0] > 0.9 and areas[-1] < 0.1, areas
