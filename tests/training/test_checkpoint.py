from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from restore.errors import WeightsError
from restore.training.checkpoint import Stateful, resume, save_checkpoint
from restore.training.ema import averaged
from tests.training.tiny import same


def made() -> dict[str, Stateful]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    return {
        "model": model,
        "ema": averaged(model, 0.9),
        "optimizer": optimizer,
        "schedule": CosineAnnealingLR(optimizer, 10),
    }


def trained(parts: dict[str, Stateful], steps: range) -> None:
    model, ema, optimizer, schedule = parts.values()
    assert isinstance(model, nn.Module) and isinstance(optimizer, torch.optim.Optimizer)
    assert isinstance(ema, torch.optim.swa_utils.AveragedModel) and isinstance(schedule, CosineAnnealingLR)
    for step in steps:
        torch.manual_seed(step)
        model(torch.randn(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        ema.update_parameters(model)
        schedule.step()


def states(parts: dict[str, Stateful]) -> dict[str, object]:
    return {name: part.state_dict() for name, part in parts.items()}


def test_training_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole, first, second = made(), made(), made()
    trained(whole, range(6))
    trained(first, range(4))
    save_checkpoint(tmp_path / "run" / "a.checkpoint", 4, first)
    assert resume(tmp_path / "run" / "a.checkpoint", second) == 4
    assert same(states(first), states(second))
    trained(second, range(4, 6))
    assert same(states(whole), states(second))


def test_without_a_checkpoint_it_starts_at_zero(tmp_path: Path) -> None:
    parts = made()
    before = states(made())
    assert resume(tmp_path / "no.checkpoint", parts) == 0
    assert same(states(parts), before)


def test_a_checkpoint_replaces_the_one_before(tmp_path: Path) -> None:
    parts = made()
    for step in (1, 2):
        save_checkpoint(tmp_path / "a.checkpoint", step, parts)
    assert resume(tmp_path / "a.checkpoint", parts) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    save_checkpoint(path, 1, made())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(WeightsError, match=rf"broken or cut short.*: {path}$"):
        resume(path, made())
