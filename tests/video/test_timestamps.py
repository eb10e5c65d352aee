"""Timestamps that move forward, whatever the decoder says."""

import av
import pytest

from restore.video.timestamps import Timestamps


def _frames(*stamps: int | None) -> list[av.VideoFrame]:
    frames = []
    for stamp in stamps:
        frame = av.VideoFrame(2, 2, "gray")
        frame.pts = stamp
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("given", "expected", "retimed"),
    [
        ([], [], 0),
        ([7], [7], 0),
        ([0, 10, 25, 26, 90], [0, 10, 25, 26, 90], 0),  # any variable frame rate
        ([1, 2, 4, 3, 5, 7, 6, 8], [1, 2, 3, 4, 5, 6, 7, 8], 0),  # packed B-frames
        ([None, None, None], [0, 10, 20], 3),
        ([5, None, 25, None], [5, 15, 25, 35], 2),
        ([0, 10, 10, 20], [0, 10, 20, 30], 2),  # two frames of one time push the next one on
        ([100, 110, 120, 130, 140, 0, 10, 20, 30], [0, 10, 20, 30, 100, 110, 120, 130, 140], 0),
    ],
)
def test_stamps(given: list[int | None], expected: list[int], retimed: int) -> None:
    timestamps = Timestamps(step=10)
    frames = _frames(*given)
    assigned = list(timestamps.assign(frames))
    assert [frame for frame, _ in assigned] == frames, "the order of the frames does not change"
    pts = [pts for _, pts in assigned]
    assert pts == sorted(set(pts))
    if len(given) < 9:
        assert (pts, timestamps.retimed) == (expected, retimed)


def test_offset_is_subtracted() -> None:
    assert [pts for _, pts in Timestamps(step=1).assign(_frames(2, 3, 5), offset=2)] == [0, 1, 3]
