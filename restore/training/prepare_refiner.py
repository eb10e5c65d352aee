"""From clean windows to what the refiner learns from: hide, restore as in use, encode.

Runs ahead of the training step, in a thread; depends only on the batch and the seed given.
"""

from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.holes import draw_holes
from restore.models.autoencoder import Autoencoder, downsampling, encode
from restore.models.denoiser import hidden_cells
from restore.propagation.evidence import unseen
from restore.tensors import to_float, to_uint8
from restore.training.feed import normalised
from restore.training.in_use import given, restored
from restore.training.prepare import propagated_pairs

LEAST = 0.01  # of a clip is unseen, or all that was hidden is regenerated: there is little to learn from slivers alone


@dataclass(frozen=True)
class LatentClips:
    """Latents `B T C h w` of the clean video and of that with a coarse fill, or nothing, in its holes; what is hidden,
    `B T 1 h w`."""

    clean: Tensor
    masked: Tensor
    hidden: Tensor


@dataclass(frozen=True)
class CoarseClips:
    """Pictures: the clean video and the restored one `B T 3 H W` in [-1, 1]; what no frame saw, `B T 1 H W`."""

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
    accelerator: Accelerator,
) -> CoarseClips:
    """Hide a part of clean clips uint8 `B T 3 H W`, degrade the rest, and restore them as in use.

    Args:
        hidden: the least and the greatest share of the picture that is hidden.
    """
    batch, frames, _, height, width = clips.shape
    clean = normalised(clips, accelerator.device)
    holes = [
        draw_holes(frames=frames, height=height, width=width, least=hidden[0], most=hidden[1], generator=draw)
        for _ in range(batch)
    ]
    degraded, mask = degrade(clean, generator=draw, ranges=Ranges(), mask=torch.stack(holes))
    windows = [given(*clip) for clip in zip(to_uint8(degraded), mask[:, :, 0].cpu().numpy(), strict=True)]
    pairs = propagated_pairs(clean, mask, windows, picked=[range(frames)] * batch)
    stacks = pairs.evidence.split(frames)
    coarse = np.stack([restored(generator, *clip, accelerator) for clip in zip(windows, stacks, strict=True)])
    nowhere = unseen(pairs.evidence).float().unflatten(0, (batch, frames))
    enough = nowhere.mean((1, 2, 3, 4), keepdim=True) >= LEAST
    return CoarseClips(clean, to_float(coarse).to(clean.device), torch.where(enough, nowhere, mask))


@torch.no_grad()
def latent_clips(clips: CoarseClips, vae: Autoencoder, *, coarse_share: float, draw: torch.Generator) -> LatentClips:
    """Encode; of the windows, `coarse_share` have the coarse fill in their holes and the others nothing."""
    nothing = torch.rand(len(clips.clean), generator=draw) >= coarse_share
    masked = torch.where(
        nothing.to(clips.coarse.device).view(-1, 1, 1, 1, 1), clips.coarse * (1 - clips.unseen), clips.coarse
    )
    return LatentClips(encode(vae, clips.clean), encode(vae, masked), hidden_cells(clips.unseen, downsampling(vae)))
