"""Charts as shapes in a plane of `WIDTH` x `HEIGHT`, which `report.html` draws as SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

WIDTH, HEIGHT = 720, 150
LEFT, RIGHT, TOP, BOTTOM = 52, 688, 8, 126  # of the plot in it; the last time is written around its right end
ROUND = 1, 2, 5  # numbers that a scale may end with, times powers of ten
SECONDS = 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400
TICKS = 8  # of time, at most

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """What is drawn.

    Attributes:
        across, up: where on an axis is a tick, and what is written there.
        shapes: the points of each curve's line or area, in the order in which they are drawn.
    """

    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    shapes: list[str]


def stacked(starts: np.ndarray, end: float, values: np.ndarray) -> Chart:
    """Shares over time, each an area upon the one before.

    Args:
        starts: float `N`, when each value begins, in seconds; it lasts until the next.
        end: when the last one ends.
        values: float `N K`, in [0, 1].
    """
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(1)], 1)
    top = min(1.0, round_up(float(sums[:, -1].max())))
    across, up = _scale(starts[0], end, LEFT, RIGHT), _scale(0, top, BOTTOM, TOP)
    edges = [_stairs(starts, end, edge, across, up) for edge in sums.T]
    shapes = [_points([*upper, *reversed(lower)]) for lower, upper in pairwise(edges)]
    ticks = [(round(up(value), 1), f"{100 * value:.4g} %") for value in (0, top / 2, top)]
    return Chart(_times(starts[0], end, across), ticks, shapes)


def lines(
    starts: np.ndarray, end: float, values: np.ndarray, bottom: float, top: float, label: Callable[[float], str]
) -> Chart:
    """Values `N K` over time, a line each, on a scale from `bottom` to `top`."""
    across, up = _scale(starts[0], end, LEFT, RIGHT), _scale(bottom, top, BOTTOM, TOP)
    shapes = [_points(_stairs(starts, end, column, across, up)) for column in values.T]
    ticks = [(round(up(value), 1), label(value)) for value in (bottom, (bottom + top) / 2, top)]
    return Chart(_times(starts[0], end, across), ticks, shapes)


def round_up(value: float) -> float:
    """The next round number.

    >>> [round_up(value) for value in (0.0, 0.013, 0.2, 0.21, 34)]
    [0.01, 0.02, 0.2, 0.5, 50.0]
    """
    value = max(value, 0.01)
    power = 10.0 ** math.floor(math.log10(value))
    return round(next(n * power for n in (*ROUND, 10) if value <= n * power * (1 + 1e-9)), 9)


def clock(seconds: float) -> str:
    """A time as players display it, to a hundredth.

    >>> clock(0), clock(75.25), clock(3723.5)
    ('0:00.00', '1:15.25', '1:02:03.50')
    """
    hundredths = round(abs(seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    before = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{'-' if seconds < 0 and hundredths else ''}{before}:{rest // 100:02}.{rest % 100:02}"


def _times(start: float, end: float, across: Callable[[float], float]) -> list[tuple[float, str]]:
    step = next((step for step in SECONDS if (end - start) / step <= TICKS), (end - start) / TICKS)
    numbers = range(math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9) + 1)
    texts = [clock(step * number) for number in numbers]
    return [
        (round(across(step * number), 1), text if step < 1 else text[:-3])
        for number, text in zip(numbers, texts, strict=True)
    ]


def _scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    span = high - low or 1  # a single frame has no length
    return lambda value: first + (value - low) / span * (last - first)


def _stairs(
    starts: np.ndarray, end: float, values: np.ndarray, across: Callable[[float], float], up: Callable[[float], float]
) -> list[Point]:
    ends = [*starts[1:], end]
    return [
        (across(time), up(value))
        for begin, until, value in zip(starts, ends, values, strict=True)
        for time in (begin, until)
    ]


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
