"""What the whole restorer, with the averaged generator, makes of held-out videos, degraded the same way each time:
detection, propagation, the generator and the temporal filter.
"""

from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.degradations.degrade import Ranges, degrade
from restore.frame import Frame
from restore.kinds import BOX_MOTIONS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from restore.propagation.evidence import FRAME
from restore.propagation.temporal_filter import RADIUS
from restore.scoring.psnr import psnr
from restore.scoring.ssim import ssim
from restore.tensors import to_float, to_uint8
from restore.training.data import CleanWindows
from restore.training.feed import first_windows, normalised
from restore.training.grid import grid
from restore.training.in_use import detected, restored
from restore.training.prepare import Pairs, propagated_pairs

VIDEOS = 8  # at most


class Validation:
    """The middle frame of one window from each video, typical degradations, masks detected.

    Args:
        videos: held out.
        like: the windows that are trained on, whose size and seed these have.
        finder, segmenter: detect what is hidden.

    Attributes:
        pairs: of every window, the middle frame and those that the temporal filter averages it with, one window after
            the other; made at the first validation, then held: at 224x288, 240 MB for eight videos.
        frames: of the pairs, with mask and motion.
    """

    def __init__(
        self, videos: list[Path], like: CleanWindows, finder: OcclusionFinder, segmenter: Segmenter | None = None
    ) -> None:
        self.videos, self.like = videos[:VIDEOS], like
        self.finder, self.segmenter = finder, segmenter
        middle = like.frames // 2
        self.around = range(max(0, middle - RADIUS), min(like.frames, middle + RADIUS + 1))
        self.middle = self.around.index(middle)
        self.pairs: Pairs | None = None
        self.frames: list[Frame] = []

    def measure(self, generator: nn.Module, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
        """PSNR in dB (whole, hidden, seen) and SSIM, and a grid `3 h w` of pictures in [0, 1]: degraded, restored and
        clean in a row.
        """
        pairs = self.pairs = self.pairs or self._prepare(accelerator)
        count = len(self.around)
        got = np.stack(
            [
                restored(generator, self.frames[at : at + count], pairs.evidence[at : at + count], accelerator)[
                    self.middle
                ]
                for at in range(0, len(self.frames), count)
            ]
        )
        of_middle = slice(self.middle, None, count)
        clean, hidden = pairs.clean[of_middle].cpu(), pairs.mask[of_middle].cpu().bool()
        wanted, result = to_uint8(clean), to_float(got)
        error, hidden = (result - clean).square(), hidden.expand_as(clean)
        scores = {
            "psnr": float(np.mean([psnr(a, b) for a, b in zip(got, wanted, strict=True)])),
            "psnr_hole": _decibel(error[hidden]),
            "psnr_seen": _decibel(error[~hidden]),
            "ssim": float(np.mean([ssim(a, b) for a, b in zip(got, wanted, strict=True)])),
        }
        return scores, grid(pairs.evidence[of_middle, FRAME].cpu(), result, clean)

    def _prepare(self, accelerator: Accelerator) -> Pairs:
        draw = torch.Generator().manual_seed(self.like.seed)
        clips = first_windows(self.videos, frames=self.like.frames, crop=self.like.crop, seed=self.like.seed)
        clean, parts = normalised(clips, accelerator.device), []
        for index, clip in enumerate(clean.split(1)):
            kind = BOX_MOTIONS[1 + index % (len(BOX_MOTIONS) - 1)]
            parts.append(degrade(clip, generator=draw, ranges=Ranges(typical_share=1, compressed_share=0), kind=kind))
        degraded, mask = (torch.cat(part) for part in zip(*parts, strict=True))
        windows = [detected(images, self.finder, self.segmenter) for images in to_uint8(degraded)]
        pairs = propagated_pairs(clean, mask, windows, picked=[self.around] * len(windows))
        self.frames = [window[t] for window in windows for t in self.around]
        return pairs


def _decibel(squared_error: Tensor) -> float:
    """PSNR of values in [-1, 1]; NaN where there are none."""
    return float(10 * torch.log10(4 / squared_error.mean().clamp(min=1e-10)))
