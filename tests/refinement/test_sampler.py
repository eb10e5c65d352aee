"""The prior is a pair of correlated Gaussian pixels, for which the best model and the posterior are known exactly."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from restore.refinement.sampler import sample

MEAN = torch.tensor([0.5, -0.3])
CORRELATION = 0.9
COVARIANCE = torch.tensor([[1, CORRELATION], [CORRELATION, 1]])
SEEN = 1.5  # the first pixel
POSTERIOR_MEAN = -0.3 + CORRELATION * (SEEN - 0.5)
POSTERIOR_STD = math.sqrt(1 - CORRELATION**2)

NOISE = {"prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 1}
VELOCITY = {"prediction_type": "v_prediction", "timestep_spacing": "trailing", "rescale_betas_zero_snr": True}
KINDS = [DDPMScheduler, DDIMScheduler, UniPCMultistepScheduler, DPMSolverMultistepScheduler]

ONCE = {"steps": 10, "jump_length": 10, "resamplings": 1, "start": 1.0}
FEW = {"steps": 8, "jump_length": 2, "resamplings": 2, "start": 1.0}
MANY = {"steps": 40, "jump_length": 4, "resamplings": 6, "start": 1.0}
MOST = {"steps": 100, "jump_length": 10, "resamplings": 10, "start": 1.0}


def make(kind: type, settings: dict[str, Any] = VELOCITY) -> Any:
    unclipped = {"clip_sample": False} if kind in (DDPMScheduler, DDIMScheduler) else {}
    return kind(beta_schedule="squaredcos_cap_v2", **settings, **unclipped)


def exact(scheduler: Any) -> Callable[[Tensor, int, int], Tensor]:
    """The model that minimises the training loss: E[x0 | xt] of the pair, in the scheduler's prediction type."""

    def denoise(noisy: Tensor, timestep: int, call: int) -> Tensor:  # pairs along W
        a = scheduler.alphas_cumprod[timestep]
        gain = a.sqrt() * COVARIANCE @ torch.linalg.inv(a * COVARIANCE + (1 - a) * torch.eye(2))
        clean = MEAN + (noisy - a.sqrt() * MEAN) @ gain.T
        noise = (noisy - a.sqrt() * clean) / (1 - a).sqrt()
        velocity = a.sqrt() * noise - (1 - a).sqrt() * clean
        return noise if scheduler.config.prediction_type == "epsilon" else velocity

    return denoise


def shrunk(noisy: Tensor, timestep: int, call: int) -> Tensor:
    """A model, of no use, that treats each frame by itself."""
    return 0.5 * noisy


def seeded(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + index) for index in range(count)]


def pairs(frames: int, count: int) -> tuple[Tensor, Tensor]:
    """Known latents with the first of each pair at `SEEN`, and a mask that hides the second."""
    known = torch.tensor([SEEN, 0.0]).expand(frames, 1, count, 2)
    return known, torch.tensor([0.0, 1.0]).expand(frames, 1, count, 2)


def off_posterior(scheduler: Any, **settings: Any) -> tuple[float, float]:
    """How far the mean is off in standard deviations of the posterior, and by which factor that deviation is off."""
    known, hidden = pairs(2, 600)
    result = sample(exact(scheduler), scheduler, known, hidden, generators=seeded(2), **settings)
    generated = result[..., 1]
    return (generated.mean().item() - POSTERIOR_MEAN) / POSTERIOR_STD, generated.std().item() / POSTERIOR_STD


@pytest.mark.parametrize("settings", [NOISE, VELOCITY], ids=["epsilon", "v_prediction"])
@pytest.mark.parametrize("kind", KINDS)
def test_resampling_recovers_the_posterior(kind: type, settings: dict[str, Any]) -> None:
    mean, std = off_posterior(make(kind, settings), **MOST)
    assert abs(mean) < 0.12 and abs(std - 1) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_without_resampling_the_known_is_half_ignored(kind: type) -> None:
    mean, std = off_posterior(make(kind), **MOST | {"resamplings": 1})
    assert mean < -0.5 and std > 1.15


class Remembering(UniPCMultistepScheduler):
    """Moves its index at a jump and does not forget its history."""

    def set_timesteps(self, num_inference_steps: int) -> None:
        history = self.model_outputs, self.lower_order_nums, self.last_sample
        super().set_timesteps(num_inference_steps)
        self.model_outputs, self.lower_order_nums, self.last_sample = history


def test_a_multistep_solver_must_forget_its_history_at_jumps() -> None:
    _, remembering = off_posterior(make(Remembering), **MANY)
    _, forgetting = off_posterior(make(UniPCMultistepScheduler), **MANY)
    assert remembering < 0.3 and 0.9 < forgetting < 1.2


def test_all_hidden_samples_the_prior() -> None:
    for kind in KINDS:
        scheduler = make(kind)
        known, hidden = torch.full((2, 1, 2000, 2), 9.0), torch.ones(2, 1, 2000, 2)
        result = sample(exact(scheduler), scheduler, known, hidden, generators=seeded(2), **MOST | {"resamplings": 1})
        result = result.view(-1, 2)
        torch.testing.assert_close(result.mean(0), MEAN, rtol=0, atol=0.06)
        torch.testing.assert_close(result.T.cov(), COVARIANCE, rtol=0, atol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_known_region_is_noised_anew_to_the_level_of_each_call(kind: type) -> None:
    scheduler, noises, calls, made = make(kind), [], [], []
    known, hidden = pairs(1, 4000)

    def denoise(noisy: Tensor, timestep: int, call: int) -> Tensor:
        a = scheduler.alphas_cumprod[timestep]
        noises.append((noisy[0, 0, :, 0] - a.sqrt() * SEEN) / (1 - a).sqrt())
        calls.append(call)
        return exact(scheduler)(noisy, timestep, call)

    sample(denoise, scheduler, known, hidden, generators=seeded(1), progress=lambda *now: made.append(now), **FEW)
    products = torch.stack(noises) @ torch.stack(noises).T / 4000
    torch.testing.assert_close(products, torch.eye(len(noises)), rtol=0, atol=0.1)
    assert calls == list(range(14)) and made == [(call, 14) for call in range(15)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_the_known_region_is_returned_as_it_is(kind: type, dtype: torch.dtype) -> None:
    known = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0)).to(dtype)
    hidden = torch.zeros(3, 1, 5, 6, dtype=torch.bool)
    hidden[1:, :, 1:4, 2:] = True  # nothing in the first frame
    result = sample(shrunk, make(kind), known, hidden, generators=seeded(3), **FEW)
    where = hidden.expand_as(known)
    assert result.dtype == dtype and result.isfinite().all()
    assert torch.equal(result[~where], known[~where]) and not (result[where] == known[where]).any()


def test_nothing_hidden_needs_no_model() -> None:
    def denoise(noisy: Tensor, timestep: int, call: int) -> Tensor:
        raise AssertionError("the model was called")

    known = torch.randn(2, 4, 3, 3)
    result = sample(denoise, make(DDIMScheduler), known, torch.zeros(2, 1, 3, 3), generators=seeded(2), **FEW)
    assert torch.equal(result, known) and result is not known


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_the_same_in_any_batch(kind: type) -> None:
    known, hidden = torch.randn(4, 2, 8, 8), torch.ones(4, 1, 8, 8)
    scheduler = make(kind)
    batched = sample(shrunk, scheduler, known, hidden, generators=seeded(4), **FEW)
    alone = sample(shrunk, scheduler, known[2:3], hidden[2:3], generators=seeded(1, seed=2), **FEW)
    torch.testing.assert_close(alone, batched[2:3])
    again = sample(shrunk, scheduler, known, hidden, generators=seeded(4), **FEW)
    assert torch.equal(batched, again)
    other = sample(shrunk, scheduler, known, hidden, generators=seeded(4, seed=9), **FEW)
    assert not torch.isclose(batched, other).any(1).all()


def test_a_late_start_stays_close_to_the_coarse_fill() -> None:
    known, hidden = pairs(2, 500)
    coarse = torch.where(hidden > 0, torch.tensor(3.0), known)
    for kind in KINDS:
        scheduler = make(kind)
        means = [
            sample(exact(scheduler), scheduler, coarse, hidden, generators=seeded(2), **ONCE | {"start": start})[..., 1]
            .mean()
            .item()
            for start in (0.1, 0.4, 1.0)
        ]
        assert 3.0 > means[0] > means[1] + 0.2 > means[2] + 0.4


@pytest.mark.parametrize("settings", [NOISE, VELOCITY], ids=["epsilon", "v_prediction"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_last_step_lands_on_no_noise_at_every_count_of_steps(kind: type, settings: dict[str, Any]) -> None:
    """A model that knows the clean latents: they come out, whatever the count."""
    scheduler, clean = make(kind, settings), torch.linspace(-2, 2, 9).view(1, 1, 1, 9)

    def ideal(noisy: Tensor, timestep: int, call: int) -> Tensor:
        a = scheduler.alphas_cumprod[timestep]
        noise = (noisy - a.sqrt() * clean) / (1 - a).sqrt()
        return noise if settings is NOISE else a.sqrt() * noise - (1 - a).sqrt() * clean

    for steps in range(1, 101):
        walk = {"steps": steps, "jump_length": 1, "resamplings": 1, "start": min(1, 3 / steps)}
        result = sample(ideal, scheduler, torch.zeros(1, 1, 1, 9), torch.ones(1, 1, 1, 9), generators=seeded(1), **walk)
        torch.testing.assert_close(result, clean, rtol=0, atol=1e-4, msg=f"{steps} steps")


def test_the_scheduler_is_not_changed() -> None:
    scheduler = make(UniPCMultistepScheduler)
    scheduler.set_timesteps(7)
    before = scheduler.timesteps.tolist()
    sample(shrunk, scheduler, *pairs(1, 2), generators=seeded(1), **FEW)
    assert scheduler.timesteps.tolist() == before and scheduler.step_index is None


def test_levels_that_share_a_timestep_are_distinguished() -> None:
    scheduler = make(DPMSolverMultistepScheduler, VELOCITY | {"use_karras_sigmas": True})
    scheduler.set_timesteps(40)
    first = (
        (scheduler.timesteps.diff() == 0).nonzero()[0].item()
    )  # taken for its neighbour, the walk would end too early
    settings = ONCE | {"steps": 40, "start": (40 - first) / 40}
    result = sample(shrunk, scheduler, *pairs(1, 2), generators=seeded(1), **settings)
    assert result.isfinite().all()


def test_arguments_that_do_not_fit() -> None:
    known, hidden = torch.zeros(2, 4, 3, 5), torch.ones(2, 1, 3, 5)
    scheduler = make(DDIMScheduler)
    with pytest.raises(ValueError, match=r"hidden N 1 H W, got \(2, 4, 3, 5\), \(2, 4, 3, 5\)"):
        sample(shrunk, scheduler, known, known, generators=seeded(2), **FEW)
    with pytest.raises(ValueError, match="one generator for each of 2 items, got 1"):
        sample(shrunk, scheduler, known, hidden, generators=seeded(1), **FEW)
    with pytest.raises(ValueError, match="clip_sample and thresholding off"):
        sample(shrunk, DDIMScheduler(), known, hidden, generators=seeded(2), **FEW)


@pytest.mark.parametrize("kind", KINDS)
def test_predicted_noise_cannot_start_at_zero_snr(kind: type) -> None:
    known, hidden = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    scheduler = make(kind, VELOCITY | {"prediction_type": "epsilon"})
    with pytest.raises(ValueError, match="separated from its noise at zero SNR; use v_prediction, or start below 1"):
        sample(shrunk, scheduler, known, hidden, generators=seeded(1), **FEW)
    later = sample(shrunk, scheduler, known, hidden, generators=seeded(1), **FEW | {"start": 0.5})
    assert later.isfinite().all()
