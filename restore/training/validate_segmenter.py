"""What the averaged segmenter finds in held-out videos, degraded the same way each time."""

from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.degradations.degrade import Ranges
from restore.degradations.mix import Mixed, Shares, degrade_mixed
from restore.models.segmenter import surroundings
from restore.training.data import CleanWindows
from restore.training.feed import first_windows, normalised
from restore.training.grid import grid
from restore.training.prepare import seeded

VIDEOS = 24  # at most


def held_out_clips(videos: list[Path], like: CleanWindows) -> Mixed:
    """One window of each video, of the size that is trained on, on the CPU."""
    clips = first_windows(videos[:VIDEOS], frames=like.frames, crop=like.crop, seed=like.seed)
    clean = normalised(clips, torch.device("cpu"))
    return degrade_mixed(clean, generator=seeded(like.seed, 4), shares=Shares(), ranges=Ranges())


@torch.no_grad()
def measure(segmenter: nn.Module, held: Mixed, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
    """IoU of what is hidden, mean over the clips in which anything is; the share of it whose kind is right; and a grid
    `3 h w` of pictures in [0, 1]: degraded, found and true in a row.
    """
    middle = held.clips.shape[1] // 2
    inputs = surroundings(held.clips, [middle])[:, 0].to(accelerator.device, memory_format=torch.channels_last)
    with accelerator.autocast():
        logits = torch.cat([segmenter(part) for part in inputs.split(4)]).float().cpu()
    found, true = logits[:, :1] > 0, held.mask[:, middle].cpu() > 0
    some = true.any((1, 2, 3))
    both, either = ((x & y).sum((1, 2, 3)) for x, y in ((found, true), (~found, ~true)))
    iou = both / (true[0].numel() - either).clamp(min=1)
    right = logits[:, 1:].argmax(1) == held.kinds[:, middle].cpu()
    scores = {"iou": float(iou[some].mean()), "kind": float(right[true[:, 0]].float().mean())}
    pictures = held.clips[:, middle].cpu()
    return scores, grid(pictures, *(2 * mask.float().expand_as(pictures) - 1 for mask in (found, true)))
