import math

import cv2
import numpy as np
import pytest
import torch

from restore.degradations.blur import defocus, motion_blur, out_of_focus, path_kernel
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import texture


def clip(frames: int = 3, height: int = 40, width: int = 56) -> torch.Tensor:
    return to_float(np.stack([texture(height, width, seed) for seed in range(frames)]))


@pytest.mark.parametrize("sigma", [1.4, 2.5, 3.0])
def test_defocus_is_opencvs_gaussian(sigma: float) -> None:
    clean = clip()
    side = max(7, 2 * math.ceil(2 * sigma) + 1)
    for got, picture in zip(to_uint8(defocus(clean[None], torch.tensor([sigma]))[0]), to_uint8(clean), strict=True):
        assert np.abs(got.astype(int) - cv2.GaussianBlur(picture, (side, side), sigma)).max() <= 1


def test_each_clip_has_its_own_sigma() -> None:
    clean = clip()[None].repeat(2, 1, 1, 1, 1)
    sharp, soft = defocus(clean, torch.tensor([0.0, 3.0]))
    assert torch.equal(sharp, clean[0])
    assert soft.diff(dim=-1).abs().mean() < 0.5 * sharp.diff(dim=-1).abs().mean()


def test_nothing_is_blurred_by_nothing() -> None:
    clean = clip()
    none = torch.zeros(3)
    assert torch.equal(out_of_focus(clean, 0.0), clean)
    assert torch.equal(motion_blur(clean, none, none), clean)
    one_of_three = motion_blur(clean, torch.tensor([0.0, 6.0, 0.0]), none)
    assert torch.equal(one_of_three[0], clean[0]) and torch.equal(one_of_three[2], clean[2])
    assert not torch.equal(one_of_three[1], clean[1])


def test_a_point_becomes_the_disc_and_the_path() -> None:
    point = torch.zeros(1, 3, 31, 31)
    point[..., 15, 15] = 1
    disc = out_of_focus(point, 3.0)[0, 0]
    assert disc.sum().item() == pytest.approx(1, abs=1e-4)
    assert disc[15, 15] == disc[15, 17] and disc[15, 20] == 0 and (disc > 0).sum() > math.pi * 9
    for angle, (rows, columns) in ((0.0, (1, 9)), (math.pi / 2, (9, 1))):
        path = motion_blur(point, torch.tensor([9.0]), torch.tensor([angle]))[0, 0]
        assert path.sum().item() == pytest.approx(1, abs=1e-4)
        share = path > 0.02
        assert (int(share.any(1).sum()), int(share.any(0).sum())) == (rows, columns)


@pytest.mark.parametrize("bend", [-0.4, 0.0, 0.4])
def test_blur_moves_nothing(bend: float) -> None:
    kernel = path_kernel(9.0, 0.7, bend=bend, side=15)
    at = torch.arange(15.0)
    assert kernel.sum().item() == pytest.approx(1, abs=1e-4)
    for marginal in (kernel.sum(0), kernel.sum(1)):
        assert (marginal * at).sum().item() == pytest.approx(7, abs=1e-2)
