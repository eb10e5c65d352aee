import numpy as np
import pytest
import torch

from restore.degradations.codec import ENCODER_SHARES, QUALITIES, compressed, draw_codec
from restore.tensors import to_float, to_uint8
from restore.video.recode import PIXEL_FORMATS, recoded
from tests.propagation.footage import texture


def clip(frames: int = 4, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 `T H W 3`: one texture that moves by a pixel a frame."""
    big = texture(height, width + frames, 3)
    return np.stack([big[:, t : t + width] for t in range(frames)])


@pytest.mark.parametrize("encoder", PIXEL_FORMATS)
def test_worse_quality_costs_more_and_shape_and_order_remain(encoder: str) -> None:
    clean, errors = clip(), []
    best, worst = QUALITIES[encoder]
    for quality in (best, worst):
        coded = recoded(clean, encoder=encoder, quality=quality)
        assert coded.shape == clean.shape and coded.dtype == np.uint8
        error = coded.astype(float) - clean
        errors.append(np.square(error).mean())
        assert abs(error.mean()) < 2  # nothing is tinted
        wrong_frame = np.square(coded[0].astype(float) - clean[3]).mean()
        assert errors[-1] < wrong_frame
    assert errors[0] < errors[1] < 2000


@pytest.mark.parametrize("encoder", PIXEL_FORMATS)
def test_grey_stays_grey(encoder: str) -> None:
    flat = np.full((3, 32, 32, 3), 97, np.uint8)
    assert np.abs(recoded(flat, encoder=encoder, quality=5).astype(int) - 97).max() <= 1


@pytest.mark.parametrize("encoder", PIXEL_FORMATS)
def test_chroma_is_halved(encoder: str) -> None:
    stripes = np.zeros((2, 32, 32, 3), np.uint8)
    stripes[:, :, 0::2] = 200, 60, 60
    stripes[:, :, 1::2] = 60, 130, 60
    coded = recoded(stripes, encoder=encoder, quality=2).astype(int)
    red_less_green = coded[..., 0] - coded[..., 1]
    assert np.ptp(red_less_green[:, 8:24, 8:24]) < 100 < 140 + 70


def test_same_pictures_same_result_of_odd_sizes_and_one_frame() -> None:
    odd = clip(1, 37, 45)
    once, again = (compressed(to_float(odd), encoder="libx264", quality=28) for _ in range(2))
    assert once.shape == (1, 3, 37, 45) and torch.equal(once, again)
    assert torch.equal(to_float(to_uint8(once)), once)


def test_all_codecs_are_drawn_within_their_ranges() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [draw_codec(generator=generator) for _ in range(300)]
    for encoder, share in ENCODER_SHARES.items():
        qualities = [quality for name, quality, _ in drawn if name == encoder]
        assert len(qualities) / len(drawn) == pytest.approx(share, abs=0.1)
        least, most = QUALITIES[encoder]
        assert (
            least
            <= min(qualities)
            < least + 0.2 * (most - least)
            < most - 0.2 * (most - least)
            < max(qualities)
            <= most
        )
