import re
from collections.abc import Iterator

import numpy as np
import pytest

from restore.frame import Frame
from restore.light.curve import Light
from restore.light.lit import AROUND, FEWEST, HELD, lit
from restore.video.carried import Carried
from restore.video.depth import STEP, shallow
from tests.light.footage import UNHIDDEN, coffee, dark, frames, portrait


def gains(results: list[Frame]) -> list[float]:
    assert all(frame.light for frame in results)
    return [frame.light.gain for frame in results if frame.light]


def test_off_returns_the_frames() -> None:
    given = frames([dark(coffee(), 0.1)] * 3)
    assert [id(frame) for frame in lit(given, "off")] == [id(frame) for frame in given] and given[0].light is None


def test_a_well_lit_scene_is_left_alone() -> None:
    given = frames([np.roll(coffee(), step, 1) for step in range(8)])
    results = list(lit(given, "auto"))
    assert [id(frame) for frame in results] == [id(frame) for frame in given]
    assert all(frame.light == Light() and frame.dark is None for frame in results)


@pytest.mark.parametrize("light", [0.2, 0.1, 0.03])
def test_a_dark_scene_comes_out_as_bright_as_it_was_and_does_not_flicker(light: float) -> None:
    clean = coffee()
    given = [dark(clean, light, seed) for seed in range(40)]
    results = list(lit(frames(given), "auto"))
    assert len(set(gains(results))) == 1
    lumas = np.array([frame.image.mean() for frame in results])
    assert lumas.std() < 0.3 and lumas.mean() == pytest.approx(clean.mean(), rel=0.12)
    assert all(np.array_equal(frame.given, picture) for frame, picture in zip(results, given, strict=True))
    assert results[0].light and np.array_equal(results[0].image, results[0].light.applied(given[0]))


def test_the_light_starts_anew_at_a_cut() -> None:
    pictures = [dark(coffee(), 0.05, seed) for seed in range(12)] + [portrait()] * 9
    pictures += [dark(coffee(), 0.2, seed) for seed in range(7)]
    results = gains(list(lit(frames(pictures), "auto")))
    assert len(set(results[:12])) == 1 and results[0] > 14
    assert results[12:21] == [1.0] * 9
    assert len(set(results[21:])) == 1 and 3.5 < results[21] < 6


def test_scenes_are_told_apart_in_the_dark() -> None:
    pictures = [dark(coffee(), 0.02, seed) for seed in range(9)] + [dark(portrait(), 0.1, seed) for seed in range(9)]
    results = gains(list(lit(frames(pictures), "auto")))
    assert len(set(results[:9])) == len(set(results[9:])) == 1
    assert results[0] > 30 and results[9] < 12


@pytest.mark.parametrize("count", [1, AROUND, AROUND + 1, 2 * AROUND + 3])
def test_each_frame_once_in_order_for_any_length(count: int) -> None:
    results = list(lit(frames([dark(coffee(), 0.1)] * count), "auto"))
    assert [frame.pts for frame in results] == list(range(count))


def test_few_frames_wait_and_of_large_ones_fewer() -> None:
    taken = 0

    def counted(height: int, width: int) -> Iterator[Frame]:
        nonlocal taken
        for number in range(1, 100):
            taken = number
            image = np.broadcast_to(np.uint8(20), (height, width, 3))
            yield Frame(image, mask=np.broadcast_to(np.float32(0), (height, width)))

    next(lit(counted(48, 64), "auto"))
    assert taken == AROUND + 1
    side = int((HELD / 5 / 3) ** 0.5)
    next(lit(counted(side, side), 1.0))
    assert FEWEST < taken == 5 + 1


def test_a_fade_to_black_and_black_stay() -> None:
    pictures = [dark(coffee(), light) for light in (*[1.0] * 30, *np.linspace(1, 0, 25) ** 2, *[0.0] * 30)]
    given = frames(pictures)
    assert [id(frame) for frame in lit(given, "auto")] == [id(frame) for frame in given]


def test_where_a_light_is_switched_on_the_gain_falls_step_by_step() -> None:
    pictures = [dark(coffee(), 0.1)] * 30 + [dark(coffee(), 0.5)] * 60
    results = np.log(gains(list(lit(frames(pictures), "auto"))))
    assert np.abs(np.diff(results)).max() < 0.15 and results[0] > 2 and results[-1] == 0


def test_what_is_hidden_does_not_count() -> None:
    mask = np.zeros_like(UNHIDDEN)
    mask[10:90, 40:110] = 1
    picture = dark(portrait(), 0.1)
    picture[mask > 0] = 250
    hidden, bare = (next(lit([Frame(picture, mask=m)] * 2, "auto")) for m in (mask, UNHIDDEN))
    assert gains([hidden])[0] > 7 and gains([bare])[0] == 1
    assert hidden.mask is mask and hidden.scene is None


def test_a_gain_is_made_whatever_the_scene_is() -> None:
    for setting in (3, "3"):
        results = list(lit(frames([coffee(), dark(coffee(), 0.1)]), setting))
        assert gains(results) == [3.0, 3.0]
        assert np.array_equal(results[0].image, Light(3.0).applied(coffee()))
    darker = next(lit(frames([coffee()]), 0.5))
    assert darker.image.mean() < 0.8 * coffee().mean()


def test_more_than_8_bits_are_lit_with_all_of_them() -> None:
    deep = dark(coffee(), 0.1).astype(np.uint16) * STEP + 60
    frame = Frame(shallow(deep), mask=UNHIDDEN, carried=Carried(deep=deep))
    result = next(lit([frame], 10.0))
    assert result.carried and result.carried.deep is not None
    assert np.array_equal(result.carried.deep, Light(10.0).applied(deep))
    assert np.array_equal(result.image, shallow(result.carried.deep)) and np.array_equal(result.given, shallow(deep))
    other = Frame(shallow(deep), mask=UNHIDDEN, carried=Carried(deep=deep // 2))  # in another space
    result = next(lit([other], 10.0))
    assert result.carried is other.carried and np.array_equal(result.image, Light(10.0).applied(other.image))


@pytest.mark.parametrize("light", ["bright", "", "0", "-1", 0, -2.0, "nan", "inf", float("nan")])
def test_a_setting_that_is_none_is_refused(light: str | float) -> None:
    expected = f"light is {light}, expected auto, off, or a gain of more than 0; 4 makes four times the light"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        lit([], light)
