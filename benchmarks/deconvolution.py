"""What the deconvolution of blurred frames gains: `restore/deconvolution/`.

    python -m benchmarks.deconvolution CLIPS [CLIPS ...] [--most 60]

Of each clip or photograph one frame, degraded in each of the ways of `benchmarks/softness.py`; and with a caption drawn
into it, and black bars, after it was blurred. Only frames that are taken for blurred count: the others come out as they
are. Prints how many they are, their PSNR, the mean gain, the least, and how many lose more than 0.05 dB.
"""

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.softness import CROP, FRAMES, variants
from restore.deconvolution.sharpened import sharpened
from restore.frame import Frame
from restore.models.softness import blur_logit
from restore.restored import Restored
from restore.scoring.psnr import psnr
from restore.tensors import to_float
from restore.training.photos import read_photo
from restore.video.clip import read_clip
from restore.video.files import files_in, is_image, is_video

DRAWN = "blurred: Gaussian, sigma 1.0", "blurred: disc, radius 4.0"  # with a caption, and bars


def captioned(image: np.ndarray) -> np.ndarray:
    """With a camera's text and black bars."""
    image = image.copy()
    image[:28] = image[-28:] = 0
    cv2.putText(image, "2026-05-12 13:45:07", (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return image


def undone(image: np.ndarray) -> np.ndarray | None:
    """As the restorer sharpens a frame without noise, uint8 `H W 3`; None if it comes out as it is."""
    visible = np.zeros(image.shape[:2], np.uint8)
    logit = blur_logit(to_float(image[None]), torch.from_numpy(visible > 0)[None, None])
    estimate = (0.0, float(logit.sigmoid()), 0.0)
    one = Restored(Frame(image, mask=visible.astype(np.float32)), image, visible, visible + np.uint8(255), estimate)
    (result,) = sharpened([one])
    return None if result is one else result.image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=60, help="clips")
    settings = parser.parse_args()
    paths = [path for folder in settings.clips for path in files_in(folder) if is_image(path) or is_video(path)]
    gains: dict[str, list[tuple[float, float]]] = {}
    order = np.random.default_rng(1).permutation(len(paths))[: settings.most]
    for number, path in enumerate(paths[i] for i in order):
        frames = read_photo(path)[None].repeat(FRAMES, 0) if is_image(path) else read_clip(path, 0, FRAMES)
        frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2][:, : CROP[1], : CROP[0]]
        degraded = {name: clip[-1] for name, clip in variants(frames, math.pi * (number * 0.618 % 1)).items()}
        pairs = {name: (image, frames[-1]) for name, image in degraded.items()}
        pairs |= {f"{name}, text, bars": (captioned(degraded[name]), captioned(frames[-1])) for name in DRAWN}
        for name, (image, clean) in pairs.items():
            gains.setdefault(name, [])
            result = undone(image)
            if result is not None:
                before = psnr(image, clean)
                gains[name].append((before, psnr(result, clean) - before))
    print("| | taken for blurred | PSNR, dB | gain | least | harmed |\n|---|---|---|---|---|---|")
    for name, values in gains.items():
        before, gain = np.array(values).T if values else (np.array([np.nan]), np.array([np.nan]))
        harmed = int((gain < -0.05).sum())
        shown = f"{before.mean():.2f} | {gain.mean():+.2f} | {gain.min():+.2f} | {harmed}" if values else "| | |"
        print(f"| {name} | {len(values)} of {len(order)} | {shown} |")


if __name__ == "__main__":
    main()
