"""What the engine makes of light that changes."""

import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation import engine
from restore.propagation.engine import Propagation
from restore.propagation.evidence import Evidence
from tests.propagation.footage import (
    at_rest,
    bases,
    box,
    covered,
    noisy,
    nothing_hidden,
    pan,
    propagated,
    psnr,
    texture,
    uniform_motion,
)


@pytest.mark.parametrize("gain", [0.85, 1.15])
def test_copies_come_at_the_exposure_of_the_frame(gain: float) -> None:
    clip = at_rest(8, 96, 128) // 2 + 60
    clip[4:] = (clip[4:] * gain).round()
    mask = box(8, 96, 128, (10, 4), step=(4, 12), side=40)
    error = bases(propagated(covered(clip, mask), mask)) - clip
    assert np.abs(error)[mask > 0].mean() < 1.5


@pytest.mark.parametrize("step", [0, 3])
def test_a_flash_is_compensated(step: int) -> None:
    """Every third frame is brighter by a third."""
    clip = pan(12, (0, step)) // 2 + 40
    clip[::3] = (clip[::3] * 1.33).round()
    mask = box(12, 96, 128, (30, 40), step=(0, 4), side=30)
    mask[[0, -1]] = 0
    error = bases(propagated(covered(clip, mask), mask)) - clip
    hidden = mask > 0
    assert psnr(error[hidden]) > (34 if step else 40) and psnr(error[~hidden]) > (34 if step else 40)


@pytest.mark.parametrize("gain", [1, 1.3])
def test_an_exposure_that_jumps_moves_nothing_in_the_engine(gain: float) -> None:
    clip = noisy(np.stack([texture(96, 128) // 2 + 40] * 2) * np.array([1, gain]).reshape(-1, 1, 1, 1), 3)
    _, one = propagated(clip, nothing_hidden(clip))
    assert one.frame.motion is not None and one.frame.motion.static
    assert one.past.count.mean() > 0.9


def test_in_constant_light_what_is_hidden_for_long_stays_as_bright(monkeypatch: pytest.MonkeyPatch) -> None:
    """However noisy the frames that the exposure is judged by."""
    clean, mask = at_rest(1, 96, 128)[0] // 2 + 60, np.zeros((96, 128), np.float32)
    monkeypatch.setattr(engine, "estimate", lambda *_: uniform_motion(96, 128))
    propagation, evidence = Propagation(96, 128), list[Evidence]()
    for t in range(70):
        mask[30:66, 40:88] = t > 10
        evidence += propagation.push(Frame(noisy(clean, 10, seed=t), mask=mask.copy(), scene=0))
    evidence += propagation.flush()
    drift = [(one.past.colour - clean)[one.frame.hidden].mean() for one in evidence[11:]]
    assert np.abs(drift).max() < 1.5
