"""From clean windows to what the refiner learns from: hide, propagate, fill coarsely, encode.

Runs ahead of the training step, in a thread; depends only on the batch and the seed given.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.holes import draw_holes
from restore.models.autoencoder import Autoencoder, downsampling, encode
from restore.models.denoiser import hidden_cells
from restore.propagation.evidence import unseen
from restore.training.prepare import network_input, propagated_pairs

AT_ONCE = 8  # frames through the generator
LEAST = 0.01  # of a clip is unseen, or all that was hidden is regenerated: there is little to learn from slivers alone


@dataclass(frozen=True)
class LatentClips:
    """Latents `B T C h w` of the clean video and of what is shown of it, and what is hidden, `B T 1 h w`."""

    clean: Tensor
    shown: Tensor
    hidden: Tensor


@dataclass(frozen=True)
class CoarseClips:
    """Pictures: the clean video and the generator's `B T 3 H W` in [-1, 1], what no frame saw, `B T 1 H W`."""

    clean: Tensor
    coarse: Tensor
    unseen: Tensor


@torch.no_grad()
def coarse_clips(
    clips: Tensor,
    generator: nn.Module,
    *,
    hidden: tuple[float, float],
    draw: torch.Generator,
    device: torch.device,
    autocast: Callable[[], torch.autocast],
    pool: ThreadPoolExecutor,
) -> CoarseClips:
    """Hide a part of clean clips uint8 `B T 3 H W`, degrade the rest, and restore it with the generator.

    Args:
        hidden: the least and the greatest share of the picture that is hidden.
    """
    batch, frames, _, height, width = clips.shape
    clean = clips.to(device).float() / 127.5 - 1
    holes = [
        draw_holes(frames=frames, height=height, width=width, least=hidden[0], most=hidden[1], generator=draw)
        for _ in range(batch)
    ]
    degraded, mask = degrade(clean, generator=draw, ranges=Ranges(), mask=torch.stack(holes))
    pairs = propagated_pairs(clean, degraded, mask, mask, picked=[list(range(frames))] * batch, pool=pool)
    inputs = network_input(generator, pairs.evidence)
    with autocast():
        coarse = torch.cat([generator(part).float() for part in inputs.split(AT_ONCE)]).clamp(-1, 1)
    nowhere = unseen(pairs.evidence).float().unflatten(0, (batch, frames))
    enough = nowhere.mean((1, 2, 3, 4), keepdim=True) >= LEAST
    return CoarseClips(clean, coarse.unflatten(0, (batch, frames)), torch.where(enough, nowhere, mask))


@torch.no_grad()
def latent_clips(clips: CoarseClips, vae: Autoencoder, *, coarse_share: float, draw: torch.Generator) -> LatentClips:
    """Encode; of the windows, `coarse_share` are shown the coarse fill in their holes and the others nothing."""
    nothing = torch.rand(len(clips.clean), generator=draw) >= coarse_share
    shown = torch.where(
        nothing.to(clips.coarse.device).view(-1, 1, 1, 1, 1), clips.coarse * (1 - clips.unseen), clips.coarse
    )
    return LatentClips(encode(vae, clips.clean), encode(vae, shown), hidden_cells(clips.unseen, downsampling(vae)))
