from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from restore.degradations import noise
from restore.tensors import UNIT_LEVELS

GREY = torch.zeros(6, 3, 48, 64)  # level 127.5
KINDS: dict[str, Callable[..., Tensor]] = {
    "white": noise.white,
    "coarse": partial(noise.coarse, reach=0.8, coloured=True),
    "grey": partial(noise.coarse, reach=0.5, coloured=False),
    "smoothed": partial(noise.smoothed, amount=0.8),
    "shot": lambda clip, sigma, generator: noise.shot_and_read(clip, sigma, 0.0, generator=generator),
    "read": lambda clip, sigma, generator: noise.shot_and_read(clip, 0.0, sigma, generator=generator),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_zero_is_the_identity(kind: str) -> None:
    once, again, other = (KINDS[kind](GREY, 10.0, generator=seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again) and not torch.equal(once, other)
    assert once.shape == GREY.shape and torch.isfinite(once).all()
    assert torch.equal(KINDS[kind](GREY, 0.0, generator=seeded()), GREY)


@pytest.mark.parametrize("kind", ["white", "coarse", "grey", "shot", "read"])
def test_noise_is_as_strong_as_asked(kind: str) -> None:
    error = (KINDS[kind](GREY, 12.0, generator=seeded()) - GREY) * UNIT_LEVELS
    assert error.std().item() == pytest.approx(12, rel=0.05) and abs(error.mean().item()) < 0.6


def test_shot_noise_grows_with_the_light_and_read_noise_does_not() -> None:
    dark, bright = torch.full_like(GREY, -0.9), torch.full_like(GREY, 0.8)
    spread = [
        [KINDS[kind](clip, 10.0, generator=seeded()).sub(clip).std().item() for clip in (dark, bright)]
        for kind in ("shot", "read")
    ]
    assert spread[0][1] / spread[0][0] == pytest.approx((1.8 / 0.1) ** 0.5, rel=0.05)
    assert spread[1][1] == pytest.approx(spread[1][0], rel=0.05)


def test_coarse_noise_is_shared_by_neighbours_and_grey_noise_by_channels() -> None:
    def correlation(a: Tensor, b: Tensor) -> float:
        return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])

    white, coarse, grey = (KINDS[kind](GREY, 12.0, generator=seeded()) for kind in ("white", "coarse", "grey"))
    assert (
        abs(correlation(white[..., 1:], white[..., :-1])) < 0.05 < 0.3 < correlation(coarse[..., 1:], coarse[..., :-1])
    )
    assert abs(correlation(coarse[:, 0], coarse[:, 1])) < 0.05
    assert torch.equal(grey[:, 0], grey[:, 1])


def test_a_denoiser_in_the_camera_leaves_slow_noise_and_follows_what_moves() -> None:
    noisy, smooth = (
        noise.smoothed(GREY, 12.0, amount=amount, generator=seeded()) * UNIT_LEVELS for amount in (0.0, 0.9)
    )
    assert smooth.std() < 0.7 * noisy.std()
    assert smooth.diff(dim=0)[1:].std() / smooth.std() < 0.8 * noisy.diff(dim=0)[1:].std() / noisy.std()
    step = GREY.clone()
    step[3:] = 0.8
    after = noise.smoothed(step, 5.0, amount=0.9, generator=seeded())[3]
    assert (after - 0.8).abs().mean() < 0.03  # a cut leaves no trail
