import pytest
import torch
from torch import Tensor

from restore.degradations.holes import draw_holes


def holes(seed: int, least: float = 0.01, most: float = 0.6, frames: int = 6, side: int = 64) -> Tensor:
    return draw_holes(
        frames=frames,
        height=side,
        width=side,
        least=least,
        most=most,
        generator=torch.Generator().manual_seed(seed),
    )


def test_every_frame_has_one_rectangle_of_about_the_share_asked_for() -> None:
    for seed in range(60):
        for frame in holes(seed)[:, 0]:
            rows, columns = frame.any(1), frame.any(0)
            assert frame.sum() == rows.sum() * columns.sum()
            for filled in (rows, columns):  # without gaps
                assert filled.int().diff().abs().sum() <= 2
            assert 0.005 < frame.mean() < 0.63


def test_shares_go_from_slivers_to_most_of_the_picture() -> None:
    shares = torch.tensor([holes(seed).mean() for seed in range(300)])
    assert shares.min() < 0.015 and shares.max() > 0.5
    assert 0.3 < (shares < 0.077).float().mean() < 0.7  # the middle of a logarithmic scale


def test_some_stay_some_move_and_some_jump() -> None:
    kinds = {"stay": 0, "move": 0, "jump": 0}
    for seed in range(200):
        mask = holes(seed, least=0.02, most=0.1)[:, 0]
        tops = torch.tensor([[frame.any(1).int().argmax(), frame.any(0).int().argmax()] for frame in mask]).float()
        steps = tops.diff(dim=0)
        if not steps.any():
            kinds["stay"] += 1
        elif steps.diff(dim=0).abs().max() <= 2:  # a constant pace, but for rounding
            kinds["move"] += 1
        else:
            kinds["jump"] += 1
    assert kinds["stay"] > 90 and kinds["move"] > 20 and kinds["jump"] > 20


@pytest.mark.parametrize("share", [1.0, 0.9, 1e-6])
def test_the_extremes_fit_into_the_picture(share: float) -> None:
    mask = holes(3, least=share, most=share, side=20)
    assert mask.any((1, 2, 3)).all() and mask.mean() >= min(share, 1 / 400) - 0.03


def test_the_same_seed_draws_the_same_holes() -> None:
    assert torch.equal(holes(5), holes(5))
    assert not torch.equal(holes(5), holes(6))
