"""How good is the picture that the generator starts from? Copies and averages against the blurred clean clip.

    python -m benchmarks.propagation CLIPS [--frames 24]

For each kind of boxes, true masks: PSNR in dB of seen pixels (the noise that averaging takes away), of hidden pixels
that another frame saw, of hidden pixels filled from around; the share of hidden pixels found; ms a frame on one core.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from restore.degradations.degrade import Ranges, degrade
from restore.propagation import flow
from restore.propagation.engine import Tracked, fuse, sweep_backward, sweep_forward, track
from restore.propagation.memory import UNKNOWN
from restore.scoring.psnr import decibels
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

NO_NOISE = Ranges(typical_share=1, compressed_share=0)


def measure(clip: np.ndarray, kind: str) -> list[float]:
    """One clip, uint8 `T H W 3`: the numbers of one row of the table."""
    clips, generator = to_float(clip)[None], torch.Generator().manual_seed(0)
    degraded, mask = degrade(clips, generator=generator, ranges=NO_NOISE, kind=kind)
    images, masks = to_uint8(degraded[0]), mask[0, :, 0].numpy()
    wanted = np.stack([cv2.GaussianBlur(frame, (7, 7), 1.4) for frame in clip]).astype(np.float32)

    start = time.perf_counter()
    tracked: list[Tracked] = []
    for image, hidden in zip(images, masks, strict=True):
        tracked.append(track(image, hidden, tracked[-1] if tracked else None))
    before, _ = sweep_forward(tracked, None)
    after = sweep_backward(tracked, len(tracked))
    base = np.stack([fuse(*frame) for frame in zip(tracked, before, after, strict=True)])
    seconds = time.perf_counter() - start

    error = np.square(base - wanted).mean(-1)
    hidden = masks > 0.5
    found = np.stack([(a.count > UNKNOWN) | (b.count > UNKNOWN) for a, b in zip(before, after, strict=True)])
    parts = [error[part].mean() if part.any() else np.nan for part in (~hidden, hidden & found, hidden & ~found)]
    share = (found & hidden).sum() / max(1, hidden.sum())
    return [*(float(decibels(part)) for part in parts), 100 * share, 1000 * seconds / len(clip)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [read_clip(path, 0, args.frames) for path in find_videos(args.clips)]
    half = flow._half
    print("| flow at | boxes | seen | copied | filled | found, % | ms a frame |")
    print("|---|---|---|---|---|---|---|")
    for name, size in (("half resolution", half), ("full resolution", lambda shape: (shape[1], shape[0]))):
        flow._half = size
        for kind in ("static", "moving", "random"):
            row = np.nanmean([measure(clip, kind) for clip in clips], 0)
            print(f"| {name} | {kind} | " + " | ".join(f"{value:.1f}" for value in row) + " |", flush=True)


if __name__ == "__main__":
    main()
