"""What the averaged refiner regenerates in held-out videos, hidden the same way each time."""

from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.refinement.refiner import RefinerPipeline
from restore.training.data import CleanWindows
from restore.training.feed import first_windows
from restore.training.grid import grid
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, coarse_clips

VIDEOS = 2  # at most: each costs a whole sampling
HIDDEN = 0.15, 0.25  # of the picture, least and most


def held_out_clips(
    videos: list[Path], like: CleanWindows, generator: nn.Module, accelerator: Accelerator
) -> CoarseClips:
    """One window of each video, of the size that is trained on."""
    clips = first_windows(videos[:VIDEOS], frames=like.frames, crop=like.crop, seed=like.seed)
    return coarse_clips(clips, generator, hidden=HIDDEN, draw=seeded(like.seed, 4), accelerator=accelerator)


def measure(refiner: RefinerPipeline, clips: CoarseClips) -> tuple[dict[str, float], Tensor]:
    """PSNR in dB of what is regenerated, and its gradients' energy as a share of the clean picture's; and a grid
    `3 h w` of pictures in [0, 1]: coarse, refined and clean in a row.
    """
    refiner.set_progress_bar_config(disable=True)
    refined = refiner.refine(clips.coarse, clips.unseen).clamp(-1, 1)
    hidden = clips.unseen.bool().expand_as(refined)
    inside = hidden[..., 1:] & hidden[..., :-1]
    scores: dict[str, float] = {}
    for name, pictures in (("coarse", clips.coarse), ("refined", refined)):
        error = (pictures - clips.clean)[hidden].square().mean()
        detail, wanted = (x.diff(dim=-1)[inside].abs().mean() for x in (pictures, clips.clean))
        scores |= {f"psnr_{name}": float(10 * torch.log10(4 / error)), f"detail_{name}": float(detail / wanted)}
    middle = clips.clean.shape[1] // 2
    return scores, grid(*(x[:, middle] for x in (clips.coarse, refined, clips.clean)))
