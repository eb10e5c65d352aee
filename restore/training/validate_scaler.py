"""What the averaged scaler makes of held-out videos, downscaled bicubically the same way each time."""

from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional as F

from restore.degradations.downscaling import downscaled
from restore.models.scaler import SCALE, Scaler, enlarged_window
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from restore.training.data import CleanWindows
from restore.training.feed import first_windows
from restore.training.grid import grid
from restore.training.prepare_scaler import SmallWindows, flowing, joined

VIDEOS = 12  # at most


def held_out_windows(videos: list[Path], like: CleanWindows) -> SmallWindows:
    """One window of each video, of the size that is trained on."""
    clips = first_windows(videos[:VIDEOS], frames=like.frames, crop=like.crop, seed=like.seed)
    small = [to_uint8(downscaled(to_float(clip.movedim(1, -1).numpy()), SCALE, kernel="bicubic")) for clip in clips]
    return joined([flowing(one, clip) for one, clip in zip(small, clips, strict=True)])


@torch.no_grad()
def measure(scaler: Scaler, held: SmallWindows, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
    """PSNR in dB of the frames before the last, bicubic and enlarged, and of the first ones, which have no past; and a
    grid `3 h w` of pictures in [0, 1]: bicubic, enlarged and clean in a row.
    """
    device = accelerator.device
    small = (held.small.float() / 127.5 - 1).to(device)
    flows = held.to_following.float().to(device), held.to_previous.float().to(device)
    with accelerator.autocast():
        result = enlarged_window(scaler, small, *flows)
    bicubic = F.interpolate(small.flatten(0, 1), scale_factor=float(SCALE), mode="bicubic", align_corners=False)
    bicubic = bicubic.unflatten(0, small.shape[:2])
    clean = held.clean.float() / 127.5 - 1

    def score(x: Tensor, t: int) -> float:
        images = zip(to_uint8(x[:, t]), to_uint8(clean[:, t]), strict=True)
        return float(np.mean([psnr(a, b) for a, b in images]))

    late = max(0, small.shape[1] - 2)
    scores = {"bicubic": score(bicubic, late), "psnr": score(result, late), "psnr_first": score(result, 0)}
    return scores, grid(bicubic[:, late], result[:, late], clean[:, late])
