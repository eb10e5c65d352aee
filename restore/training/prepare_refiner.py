"""From clean windows to what the refiner learns from: hide, restore as in use, encode.

Runs ahead of the training step, in a thread; depends only on the batch and the seed given. What a clip knows is drawn
anew each time that it is learned from.
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
    """Latents `B T C h w`: of the clean video, of the restored one with nothing in its holes, and of that with a coarse
    fill; what is hidden, `B T 1 h w`.
    """

    clean: Tensor
    masked: Tensor
    draft: Tensor
    hidden: Tensor

    @property
    def condition(self) -> Tensor:
        """What the denoiser reads beside the noisy latents and what is hidden, `B T 2C h w`."""
        return torch.cat([self.masked, self.draft], 2)


@dataclass(frozen=True)
class CoarseClips:
    """Pictures: the clean video and the restored one `B T 3 H W` in [-1, 1]; what no frame saw, `B T 1 H W`."""

    clean: Tensor
    coarse: Tensor
    unseen: Tensor

    @property
    def masked(self) -> Tensor:
        """The restored video with grey in its holes, `B T 3 H W`."""
        return self.coarse * (1 - self.unseen)


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
def latent_clips(clips: CoarseClips, vae: Autoencoder) -> LatentClips:
    """Encoded."""
    clean, masked, draft = (encode(vae, pictures) for pictures in (clips.clean, clips.masked, clips.coarse))
    return LatentClips(clean, masked, draft, hidden_cells(clips.unseen, downsampling(vae)))


def partly_known(clips: LatentClips, *, coarse_share: float, known_share: float, draw: torch.Generator) -> LatentClips:
    """What else may be known of clips: other frames of a hole, or not even a draft of it.

    Args:
        coarse_share: of the clips that have a coarse fill in their holes; the others have nothing.
        known_share: of the clips whose first frames, up to half of them, hide nothing: what was regenerated a moment
            ago is known as it was.
        draw: a CPU generator.
    """
    count, frames = clips.clean.shape[:2]
    coarse, known, length = torch.rand(3, count, 1, generator=draw)
    drafted = (coarse < coarse_share).to(clips.clean.device).view(-1, 1, 1, 1, 1)
    first = (known < known_share) & (torch.arange(frames) < (length * (frames // 2)).ceil())  # B T
    open_ = first.to(clips.clean.device).view(count, frames, 1, 1, 1)
    draft = torch.where(drafted, clips.draft, clips.masked)
    return LatentClips(
        clips.clean,
        torch.where(open_, clips.clean, clips.masked),
        torch.where(open_, clips.clean, draft),
        clips.hidden * ~open_,
    )
