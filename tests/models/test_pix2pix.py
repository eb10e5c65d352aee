import pytest
import torch

from restore.models.pix2pix import Pix2PixUNet


def test_unet_256_is_the_papers() -> None:
    model = Pix2PixUNet()
    assert sum(weight.numel() for weight in model.parameters()) == pytest.approx(54.4e6, rel=0.01)
    assert len(model.downs) == len(model.ups) == 8
    with torch.no_grad():
        assert model.eval()(torch.zeros(1, 3, 256, 256)).shape == (1, 3, 256, 256)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (33, 50), (48, 64)])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int]) -> None:
    model = Pix2PixUNet(width=4, depth=5).eval()
    assert model(torch.zeros(2, 3, *size)).shape == (2, 3, *size)


def test_the_result_is_a_picture_in_range() -> None:
    torch.manual_seed(0)
    restored = Pix2PixUNet(width=4, depth=5)(10 * torch.randn(2, 3, 32, 32))
    assert restored.abs().max() <= 1


def test_dropout_is_random_in_training_and_off_otherwise() -> None:
    torch.manual_seed(0)
    model, x = Pix2PixUNet(width=8, depth=5), torch.randn(2, 3, 32, 32)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
    assert sum(isinstance(m, torch.nn.Dropout) and m.p > 0 for m in Pix2PixUNet(width=2).modules()) == 3


def test_skips_carry_detail_past_the_bottleneck() -> None:
    """One pixel of the input matters for its own pixel of the output more than for one far away."""
    torch.manual_seed(0)
    model = Pix2PixUNet(width=8, depth=5).eval()
    x = torch.zeros(1, 3, 64, 64, requires_grad=True)
    model(x)[0, :, 20, 20].sum().backward()
    assert x.grad is not None
    close = x.grad[..., 16:25, 16:25].abs().mean()
    assert close > 10 * x.grad[..., 50:, 50:].abs().mean()


def test_bfloat16_weights_take_a_float32_picture() -> None:
    model = Pix2PixUNet(width=4, depth=5).eval().bfloat16()
    assert model(torch.zeros(1, 3, 20, 20)).dtype == torch.bfloat16
