"""What the averaged generator makes of held-out videos, degraded the same way each time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torchvision.utils import make_grid

from restore.degradations.degrade import Ranges, degrade
from restore.kinds import BOX_MOTIONS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from restore.propagation.evidence import FRAME
from restore.scoring.psnr import psnr
from restore.scoring.ssim import ssim
from restore.tensors import to_uint8
from restore.training.data import CleanWindows
from restore.training.prepare import Pairs, find_masks, network_input, propagated_pairs

VIDEOS = 8
SHOWN = 4  # pictures in the grid


class Validation:
    """The middle frames of one window from each of up to eight held-out videos, masks found, typical degradations."""

    def __init__(
        self,
        videos: list[Path],
        *,
        finder: OcclusionFinder,
        crop: tuple[int, int],
        frames: int,
        seed: int,
        segmenter: Segmenter | None = None,
    ) -> None:
        self.windows = CleanWindows(videos[:VIDEOS], frames=frames, crop=crop, per_video=1, seed=seed)
        self.finder, self.segmenter = finder, segmenter
        self.seed = seed
        self.pairs: Pairs | None = None  # made when first needed: a dry validation costs nothing

    def measure(self, generator: nn.Module, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
        """PSNR in dB (whole, hidden, seen) and SSIM, and a grid of pictures: degraded, restored and clean in a row.

        The grid is float `3 h w` in [0, 1].
        """
        pairs = self.pairs = self.pairs or self._prepare(accelerator)
        inputs = network_input(generator, pairs.evidence)
        with torch.no_grad(), accelerator.autocast():
            restored = torch.cat([generator(one) for one in inputs.split(1)]).float().clamp(-1, 1)
        error = (restored - pairs.clean).square()
        hidden = pairs.mask.bool().expand_as(error)
        got, wanted = to_uint8(restored), to_uint8(pairs.clean)
        scores = {
            "psnr": float(np.mean([psnr(a, b) for a, b in zip(got, wanted, strict=True)])),
            "psnr_hole": _decibel(error[hidden]),
            "psnr_seen": _decibel(error[~hidden]),
            "ssim": float(np.mean([ssim(a, b) for a, b in zip(got, wanted, strict=True)])),
        }
        rows = torch.stack([pairs.evidence[:SHOWN, FRAME], restored[:SHOWN], pairs.clean[:SHOWN]], 1).flatten(0, 1)
        return scores, make_grid(rows.cpu() / 2 + 0.5, nrow=3).clamp(0, 1)

    def _prepare(self, accelerator: Accelerator) -> Pairs:
        generator = torch.Generator().manual_seed(self.seed)
        items = [self.windows[0, index] for index in range(len(self.windows))]
        clean = torch.cat([item["clips"] for item in items]).to(accelerator.device).float() / 127.5 - 1
        parts = []
        for index, clip in enumerate(clean.split(1)):
            kind = BOX_MOTIONS[1 + index % (len(BOX_MOTIONS) - 1)]
            parts.append(
                degrade(clip, generator=generator, ranges=Ranges(typical_share=1, compressed_share=0), kind=kind)
            )
        degraded, mask = (torch.cat(part) for part in zip(*parts, strict=True))
        known = find_masks(self.finder, degraded, accelerator.autocast, self.segmenter)
        middle = [[clean.shape[1] // 2]] * len(clean)
        with ThreadPoolExecutor(2) as pool:
            return propagated_pairs(clean, degraded, mask, known, picked=middle, pool=pool)


def _decibel(squared_error: Tensor) -> float:
    """PSNR of values in [-1, 1]; NaN where there are none."""
    return float(10 * torch.log10(4 / squared_error.mean().clamp(min=1e-10)))
