import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from restore.training.ema import averaged


def weight_of(ema: AveragedModel) -> float:
    assert isinstance(ema.module, nn.Linear)
    return float(ema.module.weight)


def stepped(decay: float, values: list[float]) -> tuple[list[float], AveragedModel]:
    """The averages after each update of a model whose weight takes these values."""
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, values[0])
    ema, averages = averaged(model, decay), []
    for value in values:
        nn.init.constant_(model.weight, value)
        ema.update_parameters(model)
        averages.append(weight_of(ema))
    return averages, ema


@pytest.mark.parametrize("decay", [0.999, 0.5, 0.15])
def test_the_warm_up(decay: float) -> None:
    values = [float(n * n % 11) for n in range(30)]
    mean, wanted = values[0], []
    for n, value in enumerate(values):
        old_weight = min(decay, (1 + n) / (10 + n)) if n else 0  # the first update takes the weights as they are
        mean = old_weight * mean + (1 - old_weight) * value
        wanted.append(mean)
    averages, _ = stepped(decay, values)
    assert averages == pytest.approx(wanted, rel=1e-4)


def test_a_short_training_is_not_held_back_by_its_first_weights() -> None:
    averages, _ = stepped(0.999, [0.0] * 2 + [1.0] * 60)
    assert averages[-1] > 0.99


def test_the_average_is_not_trained_and_in_evaluation_mode() -> None:
    _, ema = stepped(0.9, [1.0, 2.0])
    assert not ema.training and not any(weight.requires_grad for weight in ema.parameters())


def test_the_number_of_updates_is_part_of_the_state() -> None:
    values = [float(n % 7) for n in range(12)]
    whole, _ = stepped(0.999, values)
    _, first = stepped(0.999, values[:6])
    model = nn.Linear(1, 1)
    second = averaged(model, 0.999)
    second.load_state_dict(first.state_dict())
    for value, wanted in zip(values[6:], whole[6:], strict=True):
        nn.init.constant_(model.weight, value)
        second.update_parameters(model)
        assert weight_of(second) == wanted


def test_statistics_of_batch_norm_are_averaged_too() -> None:
    torch.manual_seed(0)
    model = nn.BatchNorm1d(3)
    ema = averaged(model, 0.9)
    for _ in range(5):
        model(torch.randn(8, 3) + 2)
        ema.update_parameters(model)
    mean = ema.module.running_mean
    assert isinstance(mean, torch.Tensor) and isinstance(model.running_mean, torch.Tensor)
    assert (mean > 0.3).all() and (mean <= model.running_mean + 0.1).all()
