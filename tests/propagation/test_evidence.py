import numpy as np
import pytest

from restore.frame import Frame
from restore.propagation.evidence import BASE, CHANNELS, FRAME, MASK, RECENCY, Evidence, picture, to_tensor, unseen
from restore.propagation.memory import AVERAGED, Memory
from restore.propagation.provenance import FILLED
from tests.propagation.footage import box, covered, noisy, pan, propagated, texture

T, H, W = 5, 64, 85
MASKS = box(T, H, W, (10, 10), step=(4, 9), side=20) * np.float32(0.75)
CLIP = covered(noisy(pan(T, (1, 2), height=H, width=W), 4), MASKS)


@pytest.fixture(scope="module")
def evidence() -> list[Evidence]:
    return propagated(CLIP, MASKS)


def scaled(levels: np.ndarray) -> np.ndarray:
    """[0, 255] => [-1, 1]."""
    return np.asarray(levels, np.float32) / 127.5 - 1


@pytest.mark.parametrize("t", range(T))
def test_layout_is_as_documented(evidence: list[Evidence], t: int) -> None:
    one = evidence[t]
    channels = one.stack()
    assert channels.shape == (H, W, CHANNELS) and channels.dtype == np.float32
    assert np.allclose(channels[..., 0:3], scaled(one.base()), atol=1e-5)
    assert np.allclose(channels[..., 3:6], scaled(CLIP[t]), atol=1e-5)
    assert np.allclose(channels[..., 6:9], scaled(CLIP[max(0, t - 1)]), atol=1e-5)
    assert np.allclose(channels[..., 9:12], scaled(CLIP[min(T - 1, t + 1)]), atol=1e-5)
    for start, memory in ((12, one.past), (17, one.future)):
        known = memory.known
        shows = channels[..., start : start + 3]
        assert np.allclose(shows[known], scaled(np.minimum(memory.colour, 255))[known], atol=1e-5)
        assert np.array_equal(shows[~known], channels[..., 0:3][~known])  # no news
        assert np.allclose(channels[..., start + 3], memory.count / AVERAGED, atol=1e-6)
        recent = np.where(known, 1 / np.maximum(memory.age, 1), 0)
        assert np.allclose(channels[..., start + 4], recent, atol=1e-6)
    assert np.array_equal(channels[..., 22], MASKS[t] > 0)
    assert (BASE.start, BASE.stop, FRAME.start, FRAME.stop, MASK.start) == (0, 3, 3, 6, 22)


def test_ranges_are_as_documented(evidence: list[Evidence]) -> None:
    for one in evidence:
        channels = one.stack()
        assert np.isfinite(channels).all()
        shares = channels[..., [15, 16, 20, 21, 22]]
        assert shares.min() >= 0 and shares.max() <= 1
        pictures = channels[..., [c for c in range(CHANNELS) if c not in (15, 16, 20, 21, 22)]]
        # Cubic resampling along the flow may overshoot a little.
        assert pictures.min() > -1.25 and pictures.max() < 1.25


def test_the_ends_of_a_clip_know_no_past_and_no_future(evidence: list[Evidence]) -> None:
    first, last = evidence[0].stack(), evidence[-1].stack()
    assert not first[..., 15:17].any() and first[..., 20:22].any()
    assert not last[..., 20:22].any() and last[..., 15:17].any()


def test_it_is_written_where_it_is_wanted(evidence: list[Evidence]) -> None:
    """Over whatever was there, as buffers are used again."""
    rows = np.full((2, H, W, CHANNELS), 7, np.float32)
    got = evidence[1].stack(rows[1])
    assert np.shares_memory(got, rows) and np.array_equal(rows[1], evidence[1].stack()) and (rows[0] == 7).all()


def plain(level: float, count: float, age: float) -> Memory:
    plane = np.ones((8, 8), np.float32)
    return Memory(np.full((8, 8, 3), level, np.float32), plane * np.float32(count), plane * np.float32(age))


def base_of(hidden: float, past: Memory, future: Memory) -> float:
    frame = Frame(np.full((8, 8, 3), 100, np.uint8), mask=np.full((8, 8), hidden, np.float32), scene=0)
    return float(Evidence(frame, frame, frame, past, future).base()[4, 4, 0])


def test_a_visible_pixel_is_averaged_by_counts_and_a_hidden_one_by_ages() -> None:
    past, future = plain(200, 3, 2), plain(50, 1, 4)
    assert base_of(0, past, future) == pytest.approx((100 + 3 * 200 + 50) / 5, abs=0.01)
    assert base_of(1, past, future) == pytest.approx((200 / 4 + 50 / 16) / (1 / 4 + 1 / 16), abs=0.01)
    assert base_of(1, plain(300, 1, 1), plain(0, 0, 1)) == 255  # above it where the exposure clips


def test_a_picture_is_scaled_alike_from_both_types() -> None:
    levels = texture(9, 7)
    assert picture(levels).dtype == np.float32
    assert np.allclose(picture(levels), scaled(levels), atol=1e-6)
    assert np.allclose(picture(levels.astype(np.float32)), scaled(levels), atol=1e-6)


def test_unseen_is_what_the_provenance_calls_filled(evidence: list[Evidence]) -> None:
    stacks = np.stack([one.stack() for one in evidence])
    tensor = to_tensor(stacks)
    assert tensor.shape == (T, CHANNELS, H, W)
    codes = np.stack([one.provenance for one in evidence])
    assert np.array_equal(unseen(tensor)[:, 0].numpy(), codes == FILLED)
    hole = np.zeros((1, H, W, CHANNELS), np.float32)
    hole[..., 22] = 1
    assert unseen(to_tensor(hole)).all()
    hole[..., RECENCY[1]] = 0.5
    assert not unseen(to_tensor(hole)).any()
