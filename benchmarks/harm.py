"""Does restoring harm what needs little or nothing? Clean clips, or degraded by one thing, and nothing before them.

    python -m benchmarks.harm CLIPS [--frames 12] [--weights saved_models/generator.pth]

Each clip is scaled to 320x240, degraded by a seed of its own, restored without a mask, and compared with the clean one,
in low light with the dark one without its noise: PSNR before and after, dB (at most 60), the mean over the clips and
the worst clip's gain; how many clips lost more than 0.2 dB; the share of all pixels that was taken for hidden. Where
there is noise alone, the gain of FFDNet, which is told its sigma and sees one frame at a time, stands beside
(`benchmarks/ffdnet.py`), and in how many clips ours gains less.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.ffdnet import FFDNet, denoised, load_ffdnet
from restore.degradations.blur import motion_blur
from restore.degradations.degrade import add_noise
from restore.degradations.low_light import dimmed, few_photons
from restore.pipeline import Restorer
from restore.scoring.psnr import decibels, squared_error
from restore.shipped import WEIGHTS
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos
from restore.video.recode import recoded

WIDTH, HEIGHT = 320, 240
BEST = 60.0  # dB, where nothing differs
LOST = 0.2  # dB
LIGHT, SHOT = 0.2, 2e-4  # the share that is left; the variance of a white pixel, see `few_photons`


def blurred(clip: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(image, (7, 7), sigma) for image in clip])


def noisy(clip: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    return to_uint8(add_noise(to_float(clip)[None], torch.tensor([sigma]), generator=generator)[0])


def shaken(clip: np.ndarray, length: float, seed: int) -> np.ndarray:
    """Blurred along a straight path in a direction of its own."""
    angle = math.pi * float(torch.rand((), generator=torch.Generator().manual_seed(seed)))
    ones = torch.ones(len(clip))
    return to_uint8(motion_blur(to_float(clip), length * ones, angle * ones))


def dim(clip: np.ndarray) -> np.ndarray:
    """At a share `LIGHT` of its light."""
    return to_uint8(dimmed(to_float(clip), LIGHT))


def dark(clip: np.ndarray, seed: int) -> np.ndarray:
    """The same, of few photons."""
    generator = torch.Generator().manual_seed(seed)
    return to_uint8(few_photons(to_float(dim(clip)), SHOT, generator=generator))


CELLS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "nothing": lambda clip, seed: clip,
    "H.264, CRF 28": lambda clip, seed: recoded(clip, encoder="libx264", quality=28),
    "H.264, CRF 35": lambda clip, seed: recoded(clip, encoder="libx264", quality=35),
    "noise, sigma 2": lambda clip, seed: noisy(clip, 2, seed),
    "noise, sigma 3": lambda clip, seed: noisy(clip, 3, seed),
    "noise, sigma 5": lambda clip, seed: noisy(clip, 5, seed),
    "noise, sigma 15": lambda clip, seed: noisy(clip, 15, seed),
    "noise, sigma 30": lambda clip, seed: noisy(clip, 30, seed),
    "blur, sigma 1": lambda clip, seed: blurred(clip, 1.0),
    "motion blur, 9 px": lambda clip, seed: shaken(clip, 9, seed),
    "blur 1.4 and noise 15": lambda clip, seed: noisy(blurred(clip, 1.4), 15, seed),
    "a fifth of the light": dark,
}
WANTED = {"a fifth of the light": dim}  # what is compared with, where that is not the clean clip
SIGMAS = {f"noise, sigma {sigma}": float(sigma) for sigma in (2, 3, 5, 15, 30)}  # of what FFDNet can be told


def psnr(clip: np.ndarray, clean: np.ndarray) -> float:
    """In dB, over all frames `T H W 3`, at most `BEST`."""
    errors = [squared_error(*pair).mean() for pair in zip(clip, clean, strict=True)]
    return min(BEST, decibels(float(np.mean(errors))))


def row(restorer: Restorer, clips: Sequence[np.ndarray], name: str, rival: FFDNet) -> str:
    """One line of the table."""
    degrade, sigma = CELLS[name], SIGMAS.get(name)
    before, after, hidden, rivals = [], [], [], []
    for seed, clip in enumerate(clips):
        degraded = degrade(clip, seed)
        clean = WANTED[name](clip) if name in WANTED else clip
        results = list(restorer.restore_frames(degraded))
        before.append(psnr(degraded, clean))
        after.append(psnr(np.stack([result.image for result in results]), clean))
        hidden.append(100 * np.mean([result.mask.mean() for result in results]))
        if sigma is not None:
            rivals.append(psnr(denoised(rival, degraded, sigma), clean))
    gains = np.subtract(after, before)
    means = f"{np.mean(before):.2f} | {np.mean(after):.2f} | {gains.mean():+.2f} | {gains.min():+.2f}"
    line = f"{name} | {means} | {np.count_nonzero(gains < -LOST)} of {len(clips)} | {np.mean(hidden):.3f} | "
    if not rivals:
        return line + " |"
    return line + f"{np.mean(np.subtract(rivals, before)):+.2f} | {np.count_nonzero(np.less(after, rivals))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--frames", type=int, default=12)
    settings = parser.parse_args()
    restorer = Restorer.from_pretrained(settings.weights)
    clips = [
        np.stack([cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in clip])
        for clip in (read_clip(path, 0, settings.frames) for path in find_videos(settings.clips))
    ]
    columns = ["degraded by", "before", "after", "gain", "worst gain", "harmed", "hidden, %", "FFDNet", "better there"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    rival = load_ffdnet()
    for name in CELLS:
        print(f"| {row(restorer, clips, name, rival)} |", flush=True)


if __name__ == "__main__":
    main()
