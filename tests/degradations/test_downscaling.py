import pytest
import torch

from restore.degradations.downscaling import KERNELS, downscaled, draw_downscaling


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [2, 4])
def test_a_clip_becomes_small_and_remains_where_it_is(kernel: str, scale: int) -> None:
    ramp = torch.linspace(-0.9, 0.9, 32).view(1, 1, 1, 32).expand(2, 3, 24, 32)
    small = downscaled(ramp, scale, kernel=kernel)
    assert small.shape == (2, 3, 24 // scale, 32 // scale)
    wanted = ramp.unflatten(-1, (-1, scale)).mean(-1)[:, :, ::scale]
    assert torch.allclose(small[..., 2:-2], wanted[..., 2:-2], atol=1e-3)


def test_only_aliased_keeps_what_is_finer_than_its_pixels() -> None:
    checks = torch.tensor([1.0, -1.0]).repeat(16).view(1, 1, 1, 32).repeat(1, 1, 32, 1)
    left = {kernel: float(downscaled(checks, 2, kernel=kernel)[..., 2:-2, 2:-2].abs().mean()) for kernel in KERNELS}
    assert max(left, key=lambda kernel: left[kernel]) != "area" and left["area"] < 1e-5
    finer = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    spread = {kernel: float(downscaled(finer, 4, kernel=kernel).std()) for kernel in KERNELS}
    assert spread["aliased"] > 2 * max(value for kernel, value in spread.items() if kernel != "aliased")


def test_a_blur_comes_before() -> None:
    point = torch.full((1, 1, 32, 32), -1.0)
    point[..., 16, 16] = 1
    peaks = [float(downscaled(point, 2, kernel="area", blur=blur).max()) for blur in (0.0, 1.0, 2.0)]
    assert peaks[0] > peaks[1] > peaks[2]


def test_draws() -> None:
    draw = torch.Generator().manual_seed(0)
    drawn = [draw_downscaling(2, generator=draw) for _ in range(400)]
    assert {kernel for kernel, _ in drawn} == set(KERNELS)
    blurs = [blur for _, blur in drawn if blur]
    assert 0.25 < len(blurs) / len(drawn) < 0.45 and max(blurs) <= 1.6
    again = torch.Generator().manual_seed(0)
    assert drawn == [draw_downscaling(2, generator=again) for _ in range(400)]
