import numpy as np

from restore.inference.charts import BOTTOM, LEFT, RIGHT, TOP, lines, stacked


def points(shape: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in shape.split())]


def test_areas_lie_upon_each_other_and_last_until_the_next_value() -> None:
    values = np.array([[0.25, 0.0], [0.25, 0.25]])
    chart = stacked(np.array([1.0, 2.0]), 3.0, values)
    half, quarter, middle = TOP, (TOP + BOTTOM) / 2, (LEFT + RIGHT) / 2
    lower, upper = map(points, chart.shapes)
    assert lower[:4] == [(LEFT, quarter), (middle, quarter), (middle, quarter), (RIGHT, quarter)]
    assert {y for _, y in lower[4:]} == {BOTTOM}
    assert upper[:4] == [(LEFT, quarter), (middle, quarter), (middle, half), (RIGHT, half)]
    assert upper[4:] == lower[:4][::-1]
    assert [text for _, text in chart.up] == ["0 %", "25 %", "50 %"]
    assert chart.across[0] == (LEFT, "0:01.00") and chart.across[-1] == (RIGHT, "0:03.00") and len(chart.across) <= 9


def test_lines_on_a_scale() -> None:
    chart = lines(np.array([0.0]), 0.04, np.array([[20.0, 30.0]]), 20, 30, "{:g} dB".format)
    assert [points(shape) for shape in chart.shapes] == [[(LEFT, BOTTOM), (RIGHT, BOTTOM)], [(LEFT, TOP), (RIGHT, TOP)]]
    assert chart.up == [(BOTTOM, "20 dB"), ((TOP + BOTTOM) / 2, "25 dB"), (TOP, "30 dB")]


def test_a_long_video_has_few_ticks_at_round_times() -> None:
    chart = lines(np.array([0.0, 4000.0]), 9000.0, np.array([[1.0], [1.0]]), 0, 1, str)
    assert [text for _, text in chart.across] == ["0:00", "30:00", "1:00:00", "1:30:00", "2:00:00", "2:30:00"]
