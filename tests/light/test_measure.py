import math

import numpy as np
import pytest

from restore.frame import Frame
from restore.light.curve import GAMMA
from restore.light.measure import MOST_GAIN, measured
from restore.light.steady import DARK, NEUTRAL, WELL_LIT
from restore.scenes import thumbnail
from tests.light.footage import coffee, dark, portrait


def of(picture: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    values = measured(thumbnail(Frame(picture, mask=mask)))
    assert values is not None
    return values


@pytest.mark.parametrize("picture", [coffee(), portrait()], ids=["coffee", "portrait"])
def test_the_gain_is_one_over_the_light_that_is_left(picture: np.ndarray) -> None:
    alone = math.exp(of(picture)[0])
    assert 0.7 < alone < 1.3
    for light in (0.3, 0.2, 0.1, 0.05, 0.03):
        assert math.exp(of(dark(picture, light, seed=1))[0]) == pytest.approx(alone / light, rel=0.12)


def test_a_line_of_text_and_a_lamp_are_not_the_scene() -> None:
    picture = dark(portrait(), 0.1)
    assert math.exp(of(picture)[0]) > 8
    picture[2:9, 8:72] = 255  # a line of text, over half of the width
    picture[70:76, 100:106] = 255  # a lamp
    assert math.exp(of(picture)[0]) > DARK


def test_what_is_hidden_does_not_count() -> None:
    picture, mask = dark(coffee(), 0.1), np.zeros((96, 128), np.float32)
    alone = of(picture)
    mask[20:80, 30:100] = 1
    picture[20:80, 30:100] = 200
    assert math.exp(of(picture)[0]) < 2
    assert math.exp(of(picture, mask)[0]) == pytest.approx(math.exp(alone[0]), rel=0.15)


def test_fog_is_grey_and_not_dark() -> None:
    fog = np.full((96, 128, 3), 130, np.uint8)
    assert math.exp(of(fog)[0]) < WELL_LIT


def test_nothing_can_be_said_of_black_or_of_what_is_hidden() -> None:
    black, hidden = np.full((96, 128, 3), 4, np.uint8), np.ones((96, 128), np.float32)
    assert measured(thumbnail(Frame(black))) is None
    assert measured(thumbnail(Frame(coffee(), mask=hidden))) is None
    assert math.exp(of(np.full((96, 128, 3), 8, np.uint8))[0]) == pytest.approx(MOST_GAIN)


def test_the_tint_of_highlights_is_measured_and_neutral_ones_have_none() -> None:
    grey = coffee().mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1)
    assert np.abs(of(dark(grey, 0.1))[1:]).max() == 0
    cast = np.array([0.5, 0.0, -0.5])
    tinted = dark(np.rint(grey * np.exp((cast - 0.5) / GAMMA)).astype(np.uint8), 0.2)
    assert of(tinted)[1:] == pytest.approx(cast, abs=0.1)
    assert np.abs(of(coffee())[1:]).max() < NEUTRAL


def test_a_colour_that_only_the_mean_or_only_the_highlights_have_is_no_tint() -> None:
    rows, columns = np.indices((96, 128)) % 16
    highlights = (rows < 4) & (columns < 4)
    meadow = np.full((96, 128, 3), (40, 120, 30), np.uint8)
    meadow[highlights] = 250
    assert np.abs(of(meadow)[1:]).max() < 0.05
    signs = np.full((96, 128, 3), 120, np.uint8)
    signs[highlights] = (250, 60, 60)
    assert np.abs(of(signs)[1:]).max() < 0.3
    signs[:] = (250, 60, 60)
    assert np.abs(of(signs)[1:]).max() > 1
