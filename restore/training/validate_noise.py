"""What the averaged noise network makes of held-out videos with white noise, the same each time."""

from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from restore.degradations.noise import white
from restore.models.generator import GatedGenerator
from restore.models.noise_network import NoiseNetwork
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from restore.training.data import CleanWindows
from restore.training.feed import first_windows, normalised
from restore.training.grid import grid
from restore.training.prepare import seeded
from restore.training.prepare_noise import NoisyFrames, joined, network_input, noisy_frames

VIDEOS = 12  # at most
SIGMAS = 5.0, 15.0, 30.0  # levels, in turn


def held_out_frames(videos: list[Path], like: CleanWindows, generator: GatedGenerator) -> NoisyFrames:
    """A frame of one window of each video, of the size that is trained on."""
    clips = first_windows(videos[:VIDEOS], frames=like.frames, crop=like.crop, seed=like.seed)
    frames = []
    for index, clip in enumerate(clips):
        clean = clip.movedim(1, -1).numpy()
        noisy = white(to_float(clean), SIGMAS[index % len(SIGMAS)], generator=seeded(like.seed, 8, index))
        nothing = np.zeros(clean.shape[:3], np.float32)
        frames.append(noisy_frames(to_uint8(noisy), clean, nothing, generator, most=1))
    return joined(frames)


@torch.no_grad()
def measure(network: NoiseNetwork, held: NoisyFrames, accelerator: Accelerator) -> tuple[dict[str, float], Tensor]:
    """PSNR in dB of the degraded frames, of the smoothed ones that the network begins from, and of the result; and a
    grid `3 h w` of pictures in [0, 1]: degraded, smoothed, restored and clean in a row.
    """
    with accelerator.autocast():
        restored = network(*network_input(held, accelerator.device)).float().cpu()
    degraded, smoothed, clean = (normalised(x, restored.device) for x in (held.frame, held.smoothed, held.clean))

    def score(x: Tensor) -> float:
        return float(np.mean([psnr(a, b) for a, b in zip(to_uint8(x), to_uint8(clean), strict=True)]))

    scores = {"degraded": score(degraded), "smoothed": score(smoothed), "psnr": score(restored)}
    return scores, grid(degraded, smoothed, restored, clean)
