"""Motion of fractions of a pixel, which adds up behind a box that stays: a slow drift, zoom or roll."""

import numpy as np
import pytest

from restore.propagation.evidence import Evidence
from restore.propagation.provenance import COPIED
from tests.propagation.footage import bases, camera, confidence, covered, noisy, propagated, psnr

MOTIONS = {  # px a frame in x and y, growth and degrees a frame; PSNR behind the box, measured
    "0.1 px": (0.1, 0.0, 0.0, 0.0, 39.87),
    "0.2 px": (0.2, 0.0, 0.0, 0.0, 37.39),
    "0.35 px": (0.35, 0.0, 0.0, 0.0, 36.66),
    "0.6 px": (0.6, 0.0, 0.0, 0.0, 34.42),
    "1.3 px": (1.3, 0.0, 0.0, 0.0, 36.42),
    "0.2 px, vertical": (0.0, 0.2, 0.0, 0.0, 36.15),
    "0.35 px, both": (0.35, 0.35, 0.0, 0.0, 32.58),
    "zoom": (0.0, 0.0, 0.002, 0.0, 42.68),
    "roll": (0.0, 0.0, 0.0, 0.1, 46.75),
}
APPEARS, STAYS = 6, 17  # frames
AREA = np.s_[34:66, 44:84]


def boxed(x: float, y: float, zoom: float, roll: float) -> tuple[list[Evidence], np.ndarray]:
    clip = camera(2 * APPEARS + STAYS, x, y, zoom=zoom, roll=roll)
    mask = np.zeros(clip.shape[:3], np.float32)
    mask[APPEARS : APPEARS + STAYS, *AREA] = 1
    return propagated(covered(clip, mask), mask), clip


@pytest.mark.parametrize("name", MOTIONS)
def test_behind_a_box_the_scene_is_copied_under_motion_of_fractions_of_a_pixel(name: str) -> None:
    *motion, measured = MOTIONS[name]
    evidence, clip = boxed(*motion)
    behind = slice(APPEARS, APPEARS + STAYS)
    assert psnr((bases(evidence) - clip)[behind, *AREA]) > measured - 0.5
    copied = np.stack([one.provenance for one in evidence])[behind, *AREA] == COPIED
    assert copied.mean() > 0.99


def test_before_a_static_camera_copies_are_exact() -> None:
    evidence, clip = boxed(0, 0, 0, 0)
    assert np.abs(bases(evidence) - clip).max() < 0.01
    certain = np.array([confidence(one)[AREA].mean() for one in evidence[APPEARS : APPEARS + STAYS]])
    assert np.diff(certain[: STAYS // 2]).max() <= 0 <= np.diff(certain[-STAYS // 2 :]).min()  # least in the middle


def test_noise_moves_nothing() -> None:
    """A static camera stays static through noise of 15 levels, so that its background is not begun anew."""
    clip = noisy(camera(40, height=120, width=160), 15)
    evidence = propagated(clip, np.zeros(clip.shape[:3], np.float32))
    moving = [not one.frame.motion.static for one in evidence if one.frame.motion]
    assert np.mean(moving) < 0.05


@pytest.mark.parametrize("step", [0.1, 0.3, 0.7])
def test_a_camera_that_drifts_is_never_static(step: float) -> None:
    evidence = propagated(*(lambda clip: (clip, np.zeros(clip.shape[:3], np.float32)))(camera(12, step)))
    assert not any(one.frame.motion.static for one in evidence if one.frame.motion)
