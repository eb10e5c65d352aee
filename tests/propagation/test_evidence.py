import numpy as np
import pytest

from restore.propagation.engine import fuse, sweep_backward, sweep_forward
from restore.propagation.evidence import BASE, CHANNELS, FRAME, evidence
from restore.propagation.memory import MOST
from tests.propagation.footage import behind, box, noisy, pan, tracked

T, H, W = 5, 64, 85
CLIP = noisy(pan(T, (1, 2), height=H, width=W), 4)
MASK = box(T, H, W, (10, 10), step=(4, 9), side=20) * np.float32(0.75)
FRAMES = tracked(behind(CLIP, MASK), MASK)
BEFORE, _ = sweep_forward(FRAMES, None)
AFTER = sweep_backward(FRAMES, T)


def stack(t: int) -> np.ndarray:
    neighbours = FRAMES[max(0, t - 1)].image, FRAMES[min(T - 1, t + 1)].image
    return evidence(FRAMES[t], *neighbours, BEFORE[t], AFTER[t])


def scaled(levels: np.ndarray) -> np.ndarray:
    """[0, 255] => [-1, 1]."""
    return np.asarray(levels, np.float32) / 127.5 - 1


def test_the_base_is_what_fuse_makes() -> None:
    for t in range(T):
        assert np.allclose(stack(t)[..., 0:3], scaled(fuse(FRAMES[t], BEFORE[t], AFTER[t])), atol=1e-5)
    assert (BASE.start, BASE.stop, FRAME.start, FRAME.stop) == (0, 3, 3, 6)


@pytest.mark.parametrize("t", range(T))
def test_layout_is_as_documented(t: int) -> None:
    channels = stack(t)
    assert channels.shape == (H, W, CHANNELS) and channels.dtype == np.float32
    assert np.allclose(channels[..., 3:6], scaled(FRAMES[t].image), atol=1e-5)
    assert np.allclose(channels[..., 6:9], scaled(FRAMES[max(0, t - 1)].image), atol=1e-5)
    assert np.allclose(channels[..., 9:12], scaled(FRAMES[min(T - 1, t + 1)].image), atol=1e-5)
    for start, memory in ((12, BEFORE[t]), (17, AFTER[t])):
        known = memory.count > 0
        seen = channels[..., start : start + 3]
        assert np.allclose(seen[known], scaled(np.minimum(memory.colour, 255))[known], atol=1e-5)
        assert np.array_equal(seen[~known], channels[..., 0:3][~known])  # no news
        assert np.allclose(channels[..., start + 3], memory.count / MOST, atol=1e-6)
        recent = np.where(known, 1 / np.maximum(memory.age, 1), 0)
        assert np.allclose(channels[..., start + 4], recent, atol=1e-6)
    assert np.array_equal(channels[..., 22], MASK[t])


def test_ranges_are_as_documented() -> None:
    for t in range(T):
        channels = stack(t)
        assert np.isfinite(channels).all()
        shares = channels[..., [15, 16, 20, 21, 22]]
        assert shares.min() >= 0 and shares.max() <= 1
        pictures = channels[..., [c for c in range(CHANNELS) if c not in (15, 16, 20, 21, 22)]]
        # Cubic resampling along the flow may overshoot a little.
        assert pictures.min() > -1.25 and pictures.max() < 1.25


def test_the_ends_of_a_clip_know_no_past_and_no_future() -> None:
    first, last = stack(0), stack(T - 1)
    assert not first[..., 15:17].any() and first[..., 20:22].any()
    assert not last[..., 20:22].any() and last[..., 15:17].any()


def test_it_is_written_where_it_is_wanted() -> None:
    """Over whatever was there, as buffers are used again."""
    rows = np.full((2, H, W, CHANNELS), 7, np.float32)
    got = evidence(FRAMES[1], FRAMES[0].image, FRAMES[2].image, BEFORE[1], AFTER[1], out=rows[1])
    assert np.shares_memory(got, rows) and np.array_equal(rows[1], stack(1)) and (rows[0] == 7).all()
