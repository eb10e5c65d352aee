"""Enlarging: `restore --scale` beside bicubic interpolation and SRMD, on clips that were made small.

python -m benchmarks.scale --clips DIR [--scale 2|4] [--degraded] [--frames 12] [--weights FILE]
python -m benchmarks.scale --clips DIR --flow

`--degraded` blurs (sigma 1.2) before the downscaling, and adds noise (sigma 8) and H.264 at CRF 28 behind it; otherwise
clips are downscaled bicubically and are clean. PSNR in dB, of every fourth frame from the fourth on.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.enlargers import Srmd
from restore.degradations.codec import compressed
from restore.degradations.downscaling import downscaled
from restore.degradations.noise import white
from restore.models.weights import load_scaler
from restore.pipeline import Restorer
from restore.scaling.flow import full_flow
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

FIRST, EVERY = 3, 4  # of the frames that are scored
BLUR, NOISE, CRF = 1.2, 8.0, 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", required=True)
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    parser.add_argument("--degraded", action="store_true")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--weights", help="a scaler.pth in place of the one that is shipped")
    parser.add_argument("--flow", action="store_true", help="how well large frames follow the flow of small ones")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    videos = find_videos(options.clips)
    if options.flow:
        _print_flows(videos)
        return
    restorer = Restorer.from_pretrained(finder=False, scaler=options.weights is None)
    if options.weights:
        restorer = Restorer(restorer.generator, scaler=load_scaler(options.weights))
    peers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "SRMD": Srmd(options.scale, 8 if options.degraded else None)
    }
    names = ["bicubic", *peers, "restore"]
    print(f"| clip | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    rows = []
    for index, video in enumerate(videos):
        clip = _whole(read_clip(video, 0, options.frames), options.scale)
        small = _small(clip, options.scale, options.degraded, seed=index)
        large = _restored(restorer, small, clip.shape[1:3])
        scored = range(min(FIRST, len(clip) - 1), len(clip), EVERY)
        row = [np.mean([psnr(_bicubic(small[t], options.scale), clip[t]) for t in scored])]
        row += [np.mean([psnr(peer(small[t]), clip[t]) for t in scored]) for peer in peers.values()]
        row.append(np.mean([psnr(large[t], clip[t]) for t in scored]))
        rows.append(row)
        print(f"| {video.stem} | {' | '.join(f'{value:.2f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(rows, 0))} |")


def _whole(clip: np.ndarray, scale: int) -> np.ndarray:
    """A clip whose sides are multiples of the scale, of even small ones: codecs halve them for chroma."""
    height, width = (side // (2 * scale) * 2 * scale for side in clip.shape[1:3])
    return np.ascontiguousarray(clip[:, :height, :width])


def _small(clip: np.ndarray, scale: int, degraded: bool, *, seed: int) -> np.ndarray:
    small = downscaled(to_float(clip), scale, kernel="bicubic", blur=BLUR if degraded else 0.0)
    if degraded:
        small = white(small, NOISE, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)
        small = compressed(small, encoder="libx264", quality=CRF)
    return to_uint8(small)


def _restored(restorer: Restorer, small: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    nothing = [np.zeros(small.shape[1:3], bool)] * len(small)
    return np.stack([one.image for one in restorer.enlarge(restorer.restore_frames(small, nothing), size)])


def _bicubic(image: np.ndarray, scale: int) -> np.ndarray:
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _print_flows(videos: list[Path]) -> None:
    """PSNR of clean large frames and those before, warped along the flow of small ones at full and half resolution."""
    print("| clip | not warped | half resolution | full resolution |\n|---|---|---|---|")
    rows = []
    for video in videos:
        clip = _whole(read_clip(video, 10, 4), 2)
        small = _small(clip, 2, False, seed=0)
        row = np.zeros(3)
        for t in range(1, len(clip)):
            halves = [cv2.pyrDown(small[at]) for at in (t, t - 1)]
            flows = [
                np.zeros((*small.shape[1:3], 2), np.float32),
                full_flow(*halves),
                full_flow(small[t], small[t - 1]),
            ]
            row += [_warped_psnr(clip[t], clip[t - 1], flow) / (len(clip) - 1) for flow in flows]
        rows.append(row)
        print(f"| {video.stem} | {' | '.join(f'{value:.2f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(rows, 0))} |")


def _warped_psnr(now: np.ndarray, before: np.ndarray, flow: np.ndarray) -> float:
    height, width = now.shape[:2]
    scale = height / flow.shape[0]
    large = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(scale)
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    warped = cv2.remap(before, here + large, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    inside = slice(8, -8)
    return psnr(warped[inside, inside], now[inside, inside])


if __name__ == "__main__":
    main()
