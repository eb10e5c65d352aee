"""How good is the picture that the generator starts from? Copies and averages against the blurred clean clip.

    python -m benchmarks.propagation CLIPS [--frames 24]

For each kind of boxes, true masks, flow at half and at full resolution: PSNR in dB of visible pixels (averaging takes
noise away), of hidden pixels that another frame saw, of hidden pixels filled from around; the share of hidden pixels
that another frame saw; CPU ms a frame.
"""

import argparse
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch

from restore.degradations.degrade import Ranges, degrade
from restore.frame import Frame
from restore.propagation.engine import Propagation
from restore.scoring.psnr import decibels
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

NO_NOISE = Ranges(typical_share=1, compressed_share=0)


def full_luma(image: np.ndarray) -> np.ndarray:
    """As `Frame.luma`, at full resolution: uint8 `H W`."""
    return cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)


def measure(clip: np.ndarray, kind: str, *, full_resolution: bool) -> list[float]:
    """One clip, uint8 `T H W 3`: the numbers of one row of the table."""
    clips, generator = to_float(clip)[None], torch.Generator().manual_seed(0)
    degraded, mask = degrade(clips, generator=generator, ranges=NO_NOISE, kind=kind)
    images, masks = to_uint8(degraded[0]), mask[0, :, 0].numpy()
    wanted = np.stack([cv2.GaussianBlur(frame, (7, 7), 1.4) for frame in clip]).astype(np.float32)

    start = process_time()
    propagation, evidence = Propagation(*clip.shape[1:3]), []
    for image, hidden in zip(images, masks, strict=True):
        frame = Frame(image, mask=hidden, scene=0)
        if full_resolution:
            frame.luma = full_luma(image)
        evidence += propagation.push(frame)
    evidence += propagation.flush()
    base = np.stack([one.base() for one in evidence])
    seconds = process_time() - start

    error = np.square(base - wanted).mean(-1)
    hidden = masks > 0.5
    found = np.stack([one.past.known | one.future.known for one in evidence])
    parts = ~hidden, hidden & found, hidden & ~found
    quality = [float(decibels(error[part].mean())) if part.any() else np.nan for part in parts]
    share = (found & hidden).sum() / max(1, hidden.sum())
    return [*quality, 100 * share, 1000 * seconds / len(clip)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [read_clip(path, 0, args.frames) for path in find_videos(args.clips)]
    print("| flow at | boxes | visible | copied | filled | copied, % | CPU ms a frame |")
    print("|---|---|---|---|---|---|---|")
    for name, full_resolution in (("half resolution", False), ("full resolution", True)):
        for kind in ("static", "moving", "random"):
            row = np.nanmean([measure(clip, kind, full_resolution=full_resolution) for clip in clips], 0)
            print(f"| {name} | {kind} | " + " | ".join(f"{value:.1f}" for value in row) + " |", flush=True)


if __name__ == "__main__":
    main()
