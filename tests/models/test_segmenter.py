import math

import pytest
import torch

from restore.models.segmenter import CHANNELS, FRAME, STRENGTH, Segmenter, surroundings

CHANGE = slice(12, 15)


def test_each_frame_comes_with_its_differences() -> None:
    clip = torch.tensor([0.0, 0.1, 0.3, 0.0]).view(1, 4, 1, 1, 1).expand(1, 4, 3, 2, 2)
    stacks = surroundings(clip)
    assert stacks.shape == (1, 4, CHANNELS, 2, 2)
    assert torch.equal(stacks[:, :, FRAME], clip)
    wanted = torch.tensor([[0, -0.1, -0.1], [0.1, -0.2, 0.0], [0.2, 0.3, 0.2], [-0.3, 0, -0.1]])  # before, after, mean
    torch.testing.assert_close(stacks[0, :, 3:12:3, 0, 0], STRENGTH * wanted)
    assert torch.equal(surroundings(clip, [1, 3]), stacks[:, [1, 3]])


def test_what_does_not_change_differs_from_what_hardly_does() -> None:
    torch.manual_seed(0)
    clip = torch.rand(2, 5, 3, 8, 8)
    clip[..., :4] = clip[:, :1, :, :, :4]
    clip[..., 4:] = clip[:, :1, :, :, 4:] + torch.randn(2, 5, 3, 8, 4) / 127.5  # noise of one level of 255
    change = surroundings(clip)[:, :, CHANGE]
    torch.testing.assert_close(change[..., :4], torch.full_like(change[..., :4], math.log(0.5) / 2), atol=1e-4, rtol=0)
    assert change[..., 4:].mean() > change[..., :4].max() + 0.3


def test_another_picture_of_the_batch_changes_nothing() -> None:
    model, clip = awake(), torch.rand(2, 3, 3, 32, 32)
    with torch.no_grad():
        both, one = (model(surroundings(x, [1])[:, 0]) for x in (clip, clip[:1]))
    torch.testing.assert_close(both[:1], one, atol=1e-5, rtol=1e-4)


def test_what_it_knows_of_pictures_is_used_and_not_unlearnt() -> None:
    model, stacks = awake(), surroundings(torch.rand(1, 3, 3, 32, 32), [1])[:, 0]
    model(stacks).square().sum().backward()
    assert all(weight.grad is None for weight in model.efficientnet.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in model.unet.projections.parameters())
    with torch.no_grad():
        before = model(stacks)
        model.efficientnet.stem.bias.data += 1  # type: ignore[operator, union-attr]
        assert not torch.allclose(model(stacks), before)


def awake() -> Segmenter:
    """With a last layer that is not zero."""
    torch.manual_seed(0)
    model = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    model.unet.tail.reset_parameters()
    return model


@pytest.mark.parametrize("size", [(8, 8), (17, 30), (64, 40)])
def test_any_size(size: tuple[int, int]) -> None:
    model = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    assert model(torch.zeros(2, CHANNELS, *size)).shape == (2, 8, *size)
