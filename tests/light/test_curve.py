import numpy as np
import pytest

from restore.light.curve import GAMMA, KNEE, Light, shouldered

RAMP = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, -1)
GAINS = [0.3, 1.0, 1.02, 2.0, 10.0, 64.0]


@pytest.mark.parametrize("gain", GAINS)
def test_levels_keep_their_order_and_white_is_white_for_any_gain(gain: float) -> None:
    lit = Light(gain, (1.1, 1.0, 0.9) if gain > 1.5 else (1.0, 1.0, 1.0)).applied(RAMP)[0].astype(int)
    assert (np.diff(lit, axis=0) >= 0).all() and (lit[0] == 0).all()
    assert (lit[-1] == 255).all() or gain < 1


@pytest.mark.parametrize("gain", [1.02, 2.0, 10.0, 64.0])
def test_no_highlight_is_clipped(gain: float) -> None:
    curve = shouldered(np.linspace(0, gain, 1000), np.array(gain))
    assert (np.diff(curve) > 0).all() and curve[-1] == pytest.approx(1)


@pytest.mark.parametrize("gain", [0.3, 2.0, 10.0])
def test_below_the_knee_linear_light_is_multiplied(gain: float) -> None:
    lit = Light(gain).applied(RAMP)[0, :, 0]
    wanted = 255 * (gain * (np.arange(256) / 255) ** GAMMA).clip(0, 1) ** (1 / GAMMA)
    below = wanted < 255 * KNEE ** (1 / GAMMA)
    assert below.sum() > 50 and np.abs(lit - wanted)[below].max() <= 0.51


def test_a_gain_of_one_changes_nothing() -> None:
    assert not Light().changes and Light(1.0, (1.0, 1.01, 1.0)).changes
    assert np.array_equal(Light().applied(RAMP), RAMP)
    assert np.array_equal(shouldered(np.linspace(0, 1, 9), np.array(1.0)), np.linspace(0, 1, 9))


def test_a_balance_changes_each_channel_by_its_own_gain() -> None:
    lit = Light(4.0, (1.2, 1.0, 0.8)).applied(np.full((1, 1, 3), 40, np.uint8))[0, 0]
    alone = [Light(4.0 * factor).applied(np.full((1, 1, 3), 40, np.uint8))[0, 0, 0] for factor in (1.2, 1.0, 0.8)]
    assert lit.tolist() == alone and lit[0] > lit[1] > lit[2]


def test_pictures_of_16_bits_are_lit_in_steps_finer_than_those_of_8() -> None:
    deep = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[None, :, None], 3, -1)
    lit = Light(10.0).applied(deep)
    assert lit.dtype == np.uint16 and (np.diff(lit[0, :, 0].astype(int)) >= 0).all() and lit[0, -1, 0] > 65500
    at_8_bits = Light(10.0).applied(RAMP)[0, :, 0].astype(int)
    at_16_bits = Light(10.0).applied(RAMP.astype(np.uint16) * 257)[0, :, 0] / 257
    assert np.abs(at_16_bits - at_8_bits).max() <= 0.51
    assert len(np.unique(lit[0, :, 0])) > 3000
