import gc
import json
import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from restore.degradations.obstructions.draw import obstruct
from restore.detection.tracks import MAX_TRACKS, MISSED_FRAMES, Track, Tracker, matched
from restore.kinds import KINDS

H, W = 120, 160
Spot = tuple[str, int, int, int, int]  # kind, left, top, right, bottom


def tracks(video: Iterable[list[Spot]], *, size: tuple[int, int] = (H, W), score: float = 1) -> list[Track]:
    """What is tracked in frames with spots."""
    tracker = Tracker()
    for spots in video:
        probability, kinds = np.zeros(size, np.float32), np.zeros(size, np.uint8)
        for kind, left, top, right, bottom in spots:
            probability[top:bottom, left:right] = score
            kinds[top:bottom, left:right] = KINDS.index(kind)
        tracker.add(probability, kinds)
    found, left_out = tracker.finish()
    assert left_out == 0
    return found


def test_nothing_hidden_no_track() -> None:
    assert tracks([[], [], []]) == [] == tracks([])


def test_a_still_spot_is_one_track_over_all_frames() -> None:
    [track] = tracks([[("dirt", 20, 30, 60, 50)]] * 12, score=0.75)
    assert track == Track("dirt", 0, 11, 12, 0.75, 800 / (H * W), (20, 30, 60, 50), (20, 30, 60, 50))


def test_two_kinds_side_by_side_are_two_tracks() -> None:
    found = tracks([[("leaves", 20, 30, 60, 50), ("dirt", 60, 30, 90, 50)]] * 4)
    assert [(x.kind, x.first, x.last, x.box) for x in found] == [
        ("leaves", 0, 3, (20, 30, 60, 50)),
        ("dirt", 0, 3, (60, 30, 90, 50)),
    ]


def test_a_swaying_one_is_followed_and_the_box_is_around_all_of_its_way() -> None:
    sway = [round(25 * np.sin(t / 5)) for t in range(40)]
    [track] = tracks([("leaves", 60 + dx, 20, 100 + dx, 20 + 40 + t)] for t, dx in enumerate(sway))
    assert (track.first, track.last, track.detections) == (0, 39, 40)
    assert track.box == (60 + min(sway), 20, 100 + max(sway), 99)
    assert track.largest == 40 * 79 / (H * W)


def test_two_that_cross_at_a_distance_stay_apart() -> None:
    found = tracks(
        [("boxes", 4 * t, 10, 40 + 4 * t, 40), ("boxes", 116 - 4 * t, 60, 156 - 4 * t, 90)] for t in range(25)
    )
    assert [(x.detections, x.box) for x in found] == [(25, (0, 10, 136, 40)), (25, (20, 60, 156, 90))]


@pytest.mark.parametrize("missed", [1, MISSED_FRAMES, MISSED_FRAMES + 1])
def test_what_is_missed_in_a_few_frames_goes_on_and_what_comes_back_later_is_another(missed: int) -> None:
    spot: list[Spot] = [("drops", 20, 30, 60, 50)]
    found = tracks([spot] * 4 + [[]] * missed + [spot] * 3)
    if missed <= MISSED_FRAMES:
        assert [(x.first, x.last, x.detections) for x in found] == [(0, 6 + missed, 7)]
    else:
        assert [(x.first, x.last, x.detections) for x in found] == [(0, 3, 4), (4 + missed, 6 + missed, 3)]


def test_a_thing_elsewhere_or_of_another_kind_is_another() -> None:
    found = tracks(
        [[("dirt", 20, 30, 60, 50)]] * 3 + [[("dirt", 100, 30, 140, 50)]] * 2 + [[("text", 100, 30, 140, 50)]]
    )
    assert [(x.kind, x.first, x.last) for x in found] == [("dirt", 0, 2), ("dirt", 3, 4), ("text", 5, 5)]


def test_longest_and_largest_first() -> None:
    small, large, brief = ("drops", 10, 10, 20, 20), ("drops", 50, 50, 90, 90), ("drops", 10, 60, 40, 110)
    found = tracks([[small, large], [small, large], [small, large, brief]])
    assert [x.box for x in found] == [large[1:], small[1:], brief[1:]]


def test_the_score_is_the_mean_over_frames() -> None:
    tracker = Tracker()
    for score in (0.6, 0.7, 1.0, 0.9):
        tracker.add(np.full((H, W), score, np.float32), np.zeros((H, W), np.uint8))
    assert tracker.finish()[0][0].score == pytest.approx(0.8)


@pytest.mark.parametrize("scale", [3, 6])
def test_larger_frames_are_looked_at_more_coarsely(scale: int) -> None:
    def spots(scale: int) -> list[Spot]:
        return [("dirt", *(scale * x for x in (20, 30, 60, 50))), ("text", *(scale * x for x in (100, 90, 160, 120)))]

    small = tracks([spots(1)] * 3)
    large = tracks([spots(scale)] * 3, size=(scale * H - 1, scale * W - 1))
    assert [x.kind for x in small] == [x.kind for x in large] == ["text", "dirt"]
    for a, b in zip(small, large, strict=True):
        assert np.abs(np.subtract(b.box, np.multiply(scale, a.box))).max() <= 3
        assert b.box[2] <= scale * W - 1 and b.box[3] <= scale * H - 1
        assert b.largest == pytest.approx(a.largest, rel=0.05)


@pytest.mark.parametrize("kind", ["text", "dirt", "scratches"])
def test_what_lasts_is_one_track_from_the_first_frame_to_the_last(kind: str) -> None:
    bad = obstruct(torch.zeros(1, 10, 3, 240, 320), generator=torch.Generator().manual_seed(1), kinds=[kind])
    tracker = Tracker()
    for mask, shares in zip(bad.mask[0, :, 0].numpy(), bad.kinds[0], strict=True):
        tracker.add(mask, shares.argmax(0).to(torch.uint8).numpy())
    found, _ = tracker.finish()
    assert found and {(x.kind, x.first, x.last) for x in found} == {(kind, 0, 9)}


def test_noise_is_cut_short_and_held_in_bounds() -> None:
    rng, tracker, held = np.random.default_rng(0), Tracker(), []
    for _ in range(60):
        spots = np.kron(rng.random((12, 16)) < 0.12, np.pad(np.ones((12, 12)), 4)).astype(np.float32)
        tracker.add(spots, np.full(spots.shape, KINDS.index("drops"), np.uint8))
        held.append(sum(type(x) is Track for x in gc.get_objects()))
    found, left_out = tracker.finish()
    places = 12 * 16  # at each of them, one track at most goes on
    assert max(held) <= MAX_TRACKS + places < MAX_TRACKS + left_out
    assert len(found) == MAX_TRACKS
    lengths = [x.last - x.first for x in found]
    assert lengths == sorted(lengths, reverse=True) and lengths[-1] > 0


def test_plain_values() -> None:
    [track] = tracks([[("text", 20, 30, 60, 50)]] * 2)
    assert json.loads(json.dumps(track.as_json())) == {
        "kind": "text",
        "score": 1.0,
        "frames": [0, 1],
        "box": [20, 30, 60, 50],
        "largest": 0.041667,
    }


def test_pairs_are_one_to_one_and_good_enough() -> None:
    overlap = np.random.default_rng(0).random((9, 6))
    pairs = matched(overlap, 0.4)
    assert len(set(pairs.values())) == len(pairs) > 0
    assert all(overlap[row, column] >= 0.4 for row, column in pairs.items())
    rows, columns = set(range(9)) - set(pairs), set(range(6)) - set(pairs.values())
    assert all(overlap[row, column] < 0.4 for row in rows for column in columns)


def test_tracking_imports_no_pytorch() -> None:
    code = "import sys; import restore.detection.tracks; assert not {'torch', 'torchvision'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
