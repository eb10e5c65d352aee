from typing import Any

import pytest
import torch
from torch import Tensor

from restore.models.unet import ResidualBlock, UNet


def unet(unshuffle: int = 2, **kwargs: Any) -> UNet:
    shape: dict[str, Any] = {
        "in_channels": 5,
        "out_channels": 2,
        "widths": (8, 12),
        "blocks": (1, 1),
        "decoder_blocks": (1,),
    } | kwargs
    return UNet(unshuffle=unshuffle, **shape)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def awake(model: UNet) -> UNet:
    """With a last layer that is not zero."""
    torch.manual_seed(0)
    model.tail.reset_parameters()
    return model


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (16, 16), (17, 31), (48, 64)])
@pytest.mark.parametrize("unshuffle", [1, 2, 4])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int], unshuffle: int) -> None:
    assert unet(unshuffle)(draw(2, 5, *size)).shape == (2, 2, *size)


def test_untrained_it_returns_zeros() -> None:
    assert not unet()(draw(1, 5, 16, 16)).any()


def test_every_input_channel_and_weight_is_used() -> None:
    model = awake(unet())
    x = draw(1, 5, 16, 16).requires_grad_()
    model(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.flatten(2).abs().sum(-1) > 0).all()
    unused = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not unused


def test_a_batch_is_its_items_one_by_one() -> None:
    model, x = awake(unet()), draw(3, 5, 24, 20)
    batched = model(x)
    apart = torch.cat([model(one) for one in x.split(1)])
    assert torch.allclose(batched, apart, atol=1e-5)


def test_padding_does_not_reach_far_into_the_picture() -> None:
    """A larger picture's corner is what the corner alone gives, but for what the border changes."""
    model = awake(UNet(in_channels=3, out_channels=1, unshuffle=2, widths=(8,), blocks=(1,), decoder_blocks=()))
    x = draw(1, 3, 40, 40)
    assert torch.allclose(model(x)[..., :20, :20], model(x[..., :33, :33])[..., :20, :20], atol=1e-5)


def test_bfloat16_weights_take_a_float32_picture() -> None:
    model, x = awake(unet()), draw(1, 5, 17, 18)
    exact = model(x)
    got = model.bfloat16()(x)
    assert got.dtype == torch.bfloat16
    assert (got.float() - exact).abs().max() < 0.1 * exact.abs().max()


def test_a_residual_block_adds_to_its_input() -> None:
    block = ResidualBlock(4)
    torch.nn.init.zeros_(block.second.weight)
    assert block.second.bias is not None
    torch.nn.init.zeros_(block.second.bias)
    x = draw(1, 4, 5, 6)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(
    "wrong", [{"blocks": (1,)}, {"decoder_blocks": (1, 1)}, {"widths": (8, 12, 16)}, {"decoder_blocks": ()}]
)
def test_levels_must_agree(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"need one entry of blocks a level .* got \["):
        unet(**wrong)


def test_what_another_network_sees_is_added_level_by_level() -> None:
    model, x = awake(unet(feature_channels=(3, 6))), draw(1, 5, 16, 16)
    none = [torch.zeros(1, 3, 8, 8), torch.zeros(1, 6, 4, 4)]
    plain = model(x, none)
    for level in range(2):
        seen = [feature + (index == level) for index, feature in enumerate(none)]
        assert not torch.allclose(model(x, seen), plain)
    for projection in model.projections:
        torch.nn.init.zeros_(projection.weight)  # type: ignore[arg-type]
        torch.nn.init.zeros_(projection.bias)  # type: ignore[arg-type]
    features = [draw(*feature.shape) for feature in none]
    same = unet()
    same.load_state_dict({name: weight for name, weight in model.state_dict().items() if "projections" not in name})
    torch.testing.assert_close(model(x, features), same(x))
