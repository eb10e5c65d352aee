"""Generate the hidden region of latents in agreement with the known one (RePaint, Lugmayr et al. 2022, algorithm 1).

Works over any variance-preserving scheduler of diffusers (DDPM, DDIM, UniPC, DPM-Solver++, ...).
Letters: `N` frames, `C` latent channels; noise levels are counted from `steps`, the noisiest, to 0, clean.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from restore.refinement.schedule import resampling_schedule

ZERO_SNR = 1e-6  # alphas_cumprod below which nothing of the sample is left; diffusers writes 2^-24 for zero


@torch.no_grad()
def sample(
    denoise: Callable[[Tensor, int, int], Tensor],
    scheduler: Any,
    known: Tensor,
    hidden: Tensor,
    *,
    steps: int,
    jump_length: int,
    resamplings: int,
    start: float,
    generators: Sequence[torch.Generator],
    noised: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Sample the hidden region given the known one.

    The known region is set to the known latents before every model call: clean, for a model that was trained to see
    them so (TD-Paint, Mayet et al. 2024); or noised to the level at hand, each time with fresh noise. Given the clean
    known latents, the noises of the two regions are independent, so fresh noise pairs the hidden region with a true
    draw of its surroundings, and resampling averages over these draws. One noise for the whole walk would condition on
    one noisy view of them instead: the generated region would get too much variance.

    Args:
        denoise: `(noisy float32 N C H W, timestep, number of the call from 0)` => what the model predicts, `N C H W`,
            in the scheduler's prediction type.
        scheduler: a variance-preserving scheduler of diffusers that neither clips nor thresholds; it is not changed.
        known: `N C H W`, clean latents; with `start` below 1 the hidden region holds a coarse fill to begin from.
        hidden: `N 1 H W`, bool, or a mask that is 1 where to generate and 0 where `known` stays.
        steps, jump_length, resamplings: see `resampling_schedule`.
        start: in (0, 1]; 1 generates from pure noise, less from `known` noised to that part of the steps.
        generators: one on the CPU for each item of N, so that a frame draws the same noise whichever batch it is in.
        noised: whether the model expects the known region as noisy as the hidden one.
        progress: called with `(model calls made, model calls in all)` before the first and after each.

    Returns:
        `N C H W` in the type of `known`, and exactly `known` where it is not hidden.

    Raises:
        ValueError: an argument out of its range or of the wrong shape, or a scheduler that cannot serve here.
    """
    expected = (known.shape[0], 1, *known.shape[2:])
    if known.ndim != 4 or hidden.shape != expected:
        raise ValueError(f"need known N C H W and hidden N 1 H W, got {tuple(known.shape)}, {tuple(hidden.shape)}")
    if len(generators) != len(known):
        raise ValueError(f"need one generator for each of {len(known)} items, got {len(generators)}")
    if scheduler.config.get("clip_sample") or scheduler.config.get("thresholding"):
        raise ValueError("latents have no bounds to clip to; make the scheduler with clip_sample and thresholding off")

    moves = resampling_schedule(steps=steps, jump_length=jump_length, resamplings=resamplings, start=start)
    calls = sum(after < before for before, after in moves)
    top = moves[0][0]
    scheduler = type(scheduler).from_config(scheduler.config)
    _begin(scheduler, steps, top)
    signal = _alphas_cumprod(scheduler, steps)
    if scheduler.config.prediction_type == "epsilon" and signal[top] < ZERO_SNR:
        raise ValueError("a sample cannot be separated from its noise at zero SNR; use v_prediction, or start below 1")
    inside = hidden > 0
    if not inside.any():
        return known.clone()
    clean = known.float()
    generators = list(generators)
    random = {"generator": generators} if "generator" in inspect.signature(scheduler.step).parameters else {}

    def mixed(x: Tensor, share: float) -> Tensor:
        noise = randn_tensor(x.shape, generator=generators, device=x.device, dtype=x.dtype)
        return math.sqrt(share) * x + math.sqrt(1 - share) * noise

    x = mixed(clean, signal[top] if start < 1 else 0.0)
    call = 0
    if progress is not None:
        progress(call, calls)
    for before, after in moves:
        if after > before:
            x = mixed(x, signal[after] / signal[before])
            # A multistep solver extrapolates from the steps before: from levels that no longer lie behind x.
            _begin(scheduler, steps, after)
            continue
        timestep = int(scheduler.timesteps[steps - before])
        x = torch.where(inside, x, mixed(clean, signal[before]) if noised else clean)
        predicted = denoise(x, timestep, call).float()
        if after == 0:
            # Every sampler's last step, to no noise at all. The schedulers' own misses that at some counts of steps:
            # DDIM's has a length rounded down, and rounding gives UniPC and DPM-Solver++ one timestep too many.
            x = predicted_clean(predicted, x, signal[before], scheduler.config.prediction_type)
        else:
            x = scheduler.step(predicted, timestep, x, **random).prev_sample
        call += 1
        if progress is not None:
            progress(call, calls)
    return torch.where(inside, x.to(known.dtype), known)


def predicted_clean(predicted: Tensor, noisy: Tensor, signal: float, prediction_type: str) -> Tensor:
    """The clean sample that the model predicts.

    Args:
        predicted: the model's output, in its `prediction_type`; "v_prediction" is that of Salimans & Ho 2022.
        noisy: `sqrt(signal) * clean + sqrt(1 - signal) * noise`.
    """
    if prediction_type == "sample":
        return predicted
    if prediction_type == "epsilon":
        return (noisy - math.sqrt(1 - signal) * predicted) / math.sqrt(signal)
    return math.sqrt(signal) * noisy - math.sqrt(1 - signal) * predicted


def _begin(scheduler: Any, steps: int, level: int) -> None:
    """Make the next step of `scheduler` the one down from `level`, with no memory of the steps before."""
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):  # by their timesteps it could mistake levels that round to the same one
        scheduler.set_begin_index(steps - level)


def _alphas_cumprod(scheduler: Any, steps: int) -> list[float]:
    """How much of the variance is signal, for each level from 0, clean, to `steps`."""
    if hasattr(scheduler, "sigmas"):
        noisy = 1 / (1 + scheduler.sigmas[:steps].double() ** 2)
    else:
        noisy = scheduler.alphas_cumprod[scheduler.timesteps[:steps]]
    return [1.0, *noisy.flip(0).tolist()]
