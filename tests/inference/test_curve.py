import json

import numpy as np
import pytest

from restore.inference.curve import MOST, Curve


@pytest.mark.parametrize("frames", [1, 2, MOST - 1, MOST, MOST + 1, 7 * MOST + 3])
def test_any_length_is_held_in_few_runs_whose_mean_is_that_of_all_frames(frames: int) -> None:
    values = np.random.default_rng(0).random((frames, 2))
    curve = Curve()
    for frame, pair in enumerate(values):
        curve.add(2 + frame / 10, pair)
    means, starts = curve.means(), curve.starts()
    assert len(means) == len(starts) == -(-frames // curve.span) <= MOST
    assert curve.span < 2 * max(1, frames / MOST)
    for run, mean in enumerate(means):
        np.testing.assert_allclose(mean, values[run * curve.span : (run + 1) * curve.span].mean(0))
    np.testing.assert_allclose(starts, 2 + np.arange(len(starts)) * curve.span / 10)


@pytest.mark.parametrize("done", [1, MOST - 1, MOST, 2 * MOST + 1])
def test_a_curve_goes_on_where_another_ended(done: int) -> None:
    values = np.random.default_rng(0).random((3 * MOST, 2))
    one, first, second = Curve(), Curve(), Curve()
    for frame, pair in enumerate(values):
        one.add(frame / 30, pair)
        if frame == done:
            second.resume(json.loads(json.dumps(first.state())))
        (first if frame < done else second).add(frame / 30, pair)
    assert second.state() == one.state()


def test_times_of_frames_that_are_not_equally_long() -> None:
    times = [0.0, 0.1, 0.5, 0.6, 2.0]
    curve = Curve()
    for time in times:
        curve.add(time, [1])
    assert [curve.time_of(frame) for frame in range(5)] == times
    assert curve.end == 2.5
