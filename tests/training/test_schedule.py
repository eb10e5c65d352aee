import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from restore.training.schedule import cosine


def stepped(schedule: LambdaLR, steps: int) -> list[float]:
    """The learning rate of each of the next updates."""
    rates = []
    for _ in range(steps):
        rates.append(float(schedule.get_last_lr()[0]))
        schedule.optimizer.step()
        schedule.step()
    return rates


def made(updates: int) -> LambdaLR:
    return cosine(torch.optim.Adam(nn.Linear(1, 1).parameters(), lr=0.2), updates)


def test_it_falls_from_full_to_zero_along_half_a_cosine() -> None:
    rates = stepped(made(8), 12)
    assert rates[0] == 0.2 and rates[4] == pytest.approx(0.1) and rates[2] == pytest.approx(0.1 * (1 + 0.5**0.5))
    assert rates == sorted(rates, reverse=True)
    assert rates[8:] == pytest.approx([0] * 4)


def test_a_run_resumed_with_more_epochs_follows_the_longer_curve() -> None:
    short, long = made(8), made(16)
    stepped(short, 4)
    long.load_state_dict(short.state_dict())
    stepped(long, 1)
    assert long.get_last_lr() == pytest.approx([stepped(made(16), 6)[5]])


def test_no_updates_at_all() -> None:
    assert stepped(made(0), 2) == [0.2, 0]
