from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from restore.models.finder import OcclusionFinder, triples
from restore.models.generator import UNetGenerator

TINY: dict[str, Any] = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}


def multiply_adds(model: nn.Module, channels: int) -> float:
    """For one picture of 320x240."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, channels, 240, 320))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 30), (48, 65)])
def test_generator_shapes(size: tuple[int, int]) -> None:
    assert UNetGenerator(**TINY)(torch.zeros(2, 23, *size)).shape == (2, 3, *size)


def test_untrained_the_generator_returns_its_base() -> None:
    evidence = torch.randn(2, 23, 33, 18, generator=torch.Generator().manual_seed(0))
    for model in (UNetGenerator(), UNetGenerator(**TINY).bfloat16()):
        restored = model(evidence)
        assert torch.equal(restored, evidence[:, :3])  # in full precision, whatever the weights are
        assert restored.dtype == torch.float32


def test_the_generator_learns_a_residual() -> None:
    model = UNetGenerator(in_channels=5, **TINY)
    assert model.unet.tail.bias is not None
    torch.nn.init.constant_(model.unet.tail.bias, 0.25)
    evidence = torch.rand(1, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(evidence), evidence[:, :3] + 0.25)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 30), (48, 65)])
def test_finder_shapes(size: tuple[int, int]) -> None:
    finder = OcclusionFinder(**TINY)
    assert finder(torch.zeros(2, 9, *size)).shape == (2, 1, *size)
    assert finder.bfloat16()(torch.zeros(2, 9, *size)).dtype == torch.bfloat16


def test_the_finder_costs_less_than_a_billion_multiply_adds() -> None:
    assert multiply_adds(OcclusionFinder(), 9) < 1e9


def test_the_generator_costs_what_its_docstring_says() -> None:
    assert multiply_adds(UNetGenerator(), 23) == pytest.approx(12e9, rel=0.1)


def test_triples_put_each_frame_between_its_neighbours() -> None:
    frames = torch.randn(2, 4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    stacked = triples(frames)
    assert stacked.shape == (2, 4, 9, 5, 6)
    for t in range(4):
        expected = [frames[:, max(0, t - 1)], frames[:, t], frames[:, min(3, t + 1)]]
        assert torch.equal(stacked[:, t], torch.cat(expected, 1))


def test_a_single_frame_is_its_own_neighbours() -> None:
    frame = torch.rand(1, 1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(triples(frame)[:, 0], frame[:, 0].repeat(1, 3, 1, 1))
