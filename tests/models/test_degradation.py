import pytest
import torch

from restore.models.degradation import LOG_SCALE, levels_of, log_level, statistics
from restore.propagation.evidence import BASE, FRAME, MASK


def evidence(height: int = 64, width: int = 80) -> torch.Tensor:
    """One picture, the same in all channels; nothing is hidden."""
    stack = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)).repeat(1, 23, 1, 1) - 0.5
    stack[:, MASK] = 0
    return stack


def test_levels_come_back() -> None:
    levels = torch.tensor([0.0, 0.1, 1.0, 30.0])
    assert torch.allclose(levels_of(log_level(levels)), levels, atol=1e-5)
    assert levels_of(torch.tensor(-9.0)) == 0


def test_no_difference_is_nothing_and_a_difference_is_its_mean() -> None:
    stack = evidence()
    measured = statistics(stack, (64, 80))
    assert measured.shape == (1, 6, 64, 80)
    assert torch.allclose(measured[:, [0, 3]], torch.tensor(-2.0 / LOG_SCALE), atol=1e-4)
    assert torch.allclose(measured[:, [1, 4]], measured[:, [2, 5]], atol=1e-4)  # as sharp as each other
    stack[:, FRAME] += 4 / 127.5
    assert torch.allclose(levels_of(LOG_SCALE * statistics(stack, (8, 10))[:, [0, 3]]), torch.tensor(4.0), atol=1e-2)


def test_sharpness_is_measured_of_frame_and_of_base() -> None:
    stack = evidence()
    stack[:, BASE] *= 0.25
    of_frame, of_base = levels_of(LOG_SCALE * statistics(stack, (8, 10))[0, [4, 5]]).mean((1, 2))
    assert of_base.item() == pytest.approx(of_frame.item() / 4, rel=0.02)


def test_hidden_pixels_do_not_count() -> None:
    stack = evidence()
    stack[:, FRAME, :, 20:50] = 1
    stack[:, MASK, :, 19:51] = 1
    measured = levels_of(LOG_SCALE * statistics(stack, (64, 80)))
    assert measured[:, [0, 3]].max() < 0.01
    stack[:, MASK] = 1  # nothing is seen at all
    assert torch.isfinite(statistics(stack, (64, 80))).all()
