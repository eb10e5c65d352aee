import math

import numpy as np
import pytest

from restore.light.curve import Light
from restore.light.steady import DARK, MOST_TINT, NEUTRAL, SLEW, WELL_LIT, Steady, balance, opened

GREY = (0.0, 0.0, 0.0)


def look(gain: float, tint: tuple[float, float, float] = GREY) -> np.ndarray:
    return np.array([math.log(gain), *tint])


def test_a_well_lit_scene_is_left_alone_and_a_dark_one_gets_what_it_needs() -> None:
    assert Steady().push([look(WELL_LIT, (0.9, 0.0, -0.9))]) == Light()
    assert Steady().push([look(0.2)]) == Light()
    assert Steady().push([look(20)]) == Light(20.0)
    assert 1 < Steady().push([look(math.sqrt(WELL_LIT * DARK))]).gain < math.sqrt(WELL_LIT * DARK)


def test_the_gain_rises_without_a_jump_where_a_scene_counts_as_dark() -> None:
    gains = [Steady().push([look(gain)]).gain for gain in np.linspace(2, 5, 301)]
    assert (np.diff(gains) >= 0).all() and np.diff(gains).max() < 0.1


def test_what_varies_a_little_has_no_effect() -> None:
    steady, random = Steady(), np.random.default_rng(0)
    looks = [look(10 * math.exp(x)) for x in random.uniform(-0.08, 0.08, 60)]
    gains = [steady.push([one]).gain for one in [look(10), *looks]]
    assert gains == [10.0] * 61


def test_a_change_is_followed_slowly() -> None:
    steady = Steady()
    gains = [steady.push([look(10)]).gain] + [steady.push([look(40)]).gain for _ in range(60)]
    steps = np.diff(np.log(gains))
    assert steps.max() <= SLEW + 1e-6 and steps[0] == pytest.approx(SLEW, abs=1e-6)
    assert gains[-1] == pytest.approx(40, rel=0.11)


def test_a_few_dark_frames_are_not_followed() -> None:
    around = [look(1.0)] * 37 + [look(30)] * 12
    assert Steady().push(around) == Light()


def test_where_nothing_is_known_the_light_stays() -> None:
    steady = Steady()
    assert steady.push([]) == Light()
    assert steady.push([look(10)]) == steady.push([]) == Light(10.0)


def test_a_given_gain_is_made_whatever_is_measured() -> None:
    steady = Steady(4.0)
    assert [steady.push(around) for around in ([], [look(1)], [look(30)])] == [Light(4.0)] * 3
    assert Steady(1.0).push([look(30, (0.9, 0.0, -0.9))]) == Light()
    assert Steady(4.0).push([look(1, (0.9, 0.0, -0.9))]).balance != (1.0, 1.0, 1.0)


def test_a_natural_tint_stays_and_a_stronger_one_is_taken_away_in_part() -> None:
    natural = np.array([NEUTRAL, 0.0, -NEUTRAL])
    assert balance(natural) == (1.0, 1.0, 1.0)
    for strength in (0.6, 0.8, 2.0):
        tint = np.array([strength, 0.0, -strength])
        left = tint + np.log(balance(tint))
        assert left == pytest.approx(tint * max(NEUTRAL, strength - MOST_TINT) / strength, abs=1e-5)
    assert Steady().push([look(20, (0.8, 0.0, -0.8))]).balance == balance(np.array([0.8, 0.0, -0.8]))


def test_how_much_of_a_gain_is_made() -> None:
    assert [opened(math.log(gain)) for gain in (0.1, WELL_LIT, DARK, 50)] == [0.0, 0.0, 1.0, 1.0]
    assert 0 < opened(math.log(3)) < 1
