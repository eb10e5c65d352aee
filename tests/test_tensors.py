import numpy as np
import pytest
import torch

from restore.tensors import pad_to_multiple, to_float, to_uint8

EVERY_LEVEL = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)


def test_every_level_survives_the_round_trip() -> None:
    assert np.array_equal(to_uint8(to_float(EVERY_LEVEL)), EVERY_LEVEL)


def test_round_trip_preserves_clips_and_their_axes() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 7, 3), np.uint8)  # B T H W C
    floats = to_float(clip)
    assert floats.shape == (2, 3, 3, 5, 7) and floats.dtype == torch.float32
    assert floats.min() >= -1 and floats.max() <= 1
    assert np.array_equal(to_uint8(floats), clip)


def test_half_precision_is_rounded_to_the_nearest_level() -> None:
    restored = to_uint8(to_float(EVERY_LEVEL).half()).astype(int)
    assert np.abs(restored - EVERY_LEVEL).max() <= 1


def test_values_out_of_range_are_clipped_not_wrapped() -> None:
    assert to_uint8(torch.tensor([-7.0, 1.001, 9.0]).view(3, 1, 1)).ravel().tolist() == [0, 255, 255]


def test_to_uint8_leaves_its_input_alone() -> None:
    floats = to_float(EVERY_LEVEL)
    before = floats.clone()
    to_uint8(floats)
    assert torch.equal(floats, before)


def test_to_float_leaves_its_input_alone() -> None:
    frames = EVERY_LEVEL.copy()
    to_float(frames)
    assert np.array_equal(frames, EVERY_LEVEL)


def test_pictures_must_be_uint8() -> None:
    with pytest.raises(ValueError, match="pictures must be uint8, got float32"):
        to_float(np.zeros((4, 4, 3), np.float32))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 8), (16, 16), (17, 31)])
def test_padding_repeats_the_border_and_can_be_cut_off(height: int, width: int) -> None:
    x = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    padded = pad_to_multiple(x, 16)
    assert padded.shape[-2] % 16 == 0 and padded.shape[-1] % 16 == 0
    assert padded.shape[-2] - height < 16 and padded.shape[-1] - width < 16
    assert torch.equal(padded[..., :height, :width], x)
    assert torch.equal(padded[..., -1, -1], x[..., -1, -1])
