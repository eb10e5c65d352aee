import numpy as np
import pytest
from skimage import data

from restore.scoring.temporal import backward_flow, temporal_error, warping_error

PICTURE = data.astronaut()


def panned(frames: int, step: int = 3) -> np.ndarray:
    """A camera that moves to the right and down: `T 96 128 3`."""
    return np.stack([PICTURE[20 + step * t : 116 + step * t, 150 + step * t : 278 + step * t] for t in range(frames)])


def flickering(clip: np.ndarray, levels: int) -> np.ndarray:
    sign = np.where(np.arange(len(clip)) % 2, 1, -1)[:, None, None, None]
    return np.clip(clip + levels * sign, 0, 255).astype(np.uint8)


def test_a_clip_moved_along_its_flow_has_no_error() -> None:
    clip = panned(5)
    unmoved = np.mean(np.square(np.diff(clip.astype(float) / 255, axis=0))) * 1e3
    error = temporal_error(clip, clip)
    assert error is not None and error < unmoved / 50 and error < 0.5


def test_flow_finds_the_pan() -> None:
    clip = panned(2)
    flow, valid = backward_flow(clip[0], clip[1])
    assert valid.mean() > 0.85
    assert np.median(flow[valid], axis=0) == pytest.approx([3, 3], abs=0.1)


def test_flicker_raises_it_the_more_the_stronger() -> None:
    clip = panned(4)
    errors = [temporal_error(flickering(clip, levels), clip) for levels in (0, 2, 8, 32)]
    assert errors == sorted(errors) and errors[1] > errors[0]
    # A jump of 2 x 32 levels, less what is clipped at black and white.
    assert errors[3] == pytest.approx(1e3 * (64 / 255) ** 2, rel=0.2)


def test_a_constant_shift_of_brightness_is_no_flicker() -> None:
    clip = panned(3) // 2
    assert temporal_error(clip + 40, clip) == pytest.approx(temporal_error(clip, clip), rel=1e-3)


def test_a_frozen_video_errs_where_the_clean_one_moves() -> None:
    clip = panned(4)
    frozen = np.stack([clip[0]] * 4)
    assert temporal_error(frozen, clip) > 10 * temporal_error(clip, clip)


def test_a_cut_is_mostly_left_out() -> None:
    before, after = PICTURE[:96, :128], data.coffee()[:96, :128]
    assert backward_flow(before, after)[1].mean() < 0.3


@pytest.mark.parametrize("frames", [0, 1])
def test_fewer_than_two_frames_have_none(frames: int) -> None:
    assert temporal_error(panned(2)[:frames], panned(2)[:frames]) is None


def test_pictures_too_small_for_flow_have_none() -> None:
    tiny = panned(3)[:, :8, :8]
    assert temporal_error(tiny, tiny) is None


def test_nothing_valid_is_none() -> None:
    a, b = panned(2)
    flow, valid = backward_flow(a, b)
    assert warping_error(a, b, flow, np.zeros_like(valid)) is None


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        temporal_error(panned(3), panned(2))
