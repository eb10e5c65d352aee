"""Does the refiner win over the generator, and in how many calls?

    python -m benchmarks.regenerated CLIPS [--kinds heavy static] [--frames 16] [--most 18] [--refiner FOLDER]

Clips are degraded with boxes, restored by the generator with the true mask, and what no frame saw is regenerated in 1,
2 and 4 calls a window. Inside the holes: PSNR, LPIPS, detail (gradient energy as a share of the clean clip's), seam
(difference of the Laplacians on a band at the hole's edge, levels of 255); over the whole frame: temporal error x 1e3.
Means over the clips in which something was regenerated.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from restore.degradations.degrade import Ranges, degrade
from restore.pipeline import Restored, Restorer
from restore.refinement.hybrid import Hybrid, Refinement
from restore.refinement.load import REFINER, load_refiner
from restore.scoring.perceptual import load_perceptual
from restore.scoring.psnr import decibels
from restore.scoring.temporal import temporal_error
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

SCORES = "hole", "LPIPS", "detail", "seam", "warp"
CALLS = 1, 2, 4
EVERY = 4  # frames from one to the next whose LPIPS is measured


@dataclass(frozen=True)
class Scene:
    """A clean clip uint8 `T H W 3`, what was hidden in it, bool `T H W`, and what the generator made of it."""

    clean: np.ndarray
    hidden: np.ndarray
    restored: list[Restored]


def scenes(restorer: Restorer, clips: Path, *, kind: str, frames: int, most: int) -> Iterator[Scene]:
    """At most `most` clips, evenly chosen, with boxes of one kind of `kinds.BOX_MOTIONS`."""
    videos = find_videos(clips)
    for video in videos[:: max(1, len(videos) // most)][:most]:
        clean = read_clip(video, 0, frames)
        degraded, mask = degrade(
            to_float(clean)[None],
            generator=torch.Generator().manual_seed(0),
            ranges=Ranges(typical_share=1, compressed_share=0),
            kind=kind,
        )
        restored = list(restorer.restore_frames(to_uint8(degraded[0]), mask[0, :, 0].numpy()))
        yield Scene(clean, mask[0, :, 0].numpy() > 0, restored)


def row(scene: Scene, hybrid: Hybrid | None) -> list[float]:
    """Model calls, seconds and `SCORES` of a scene; None leaves it as the generator made it."""
    made: dict[int, int] = {}  # model calls, by stretch

    def count(stretch: int, call: int, _: int) -> None:
        made[stretch] = call

    started = time.perf_counter()
    refined = scene.restored if hybrid is None else list(hybrid.refine_frames(scene.restored, progress=count))
    seconds = time.perf_counter() - started
    got = np.stack([frame.image for frame in refined])
    return [sum(made.values()), seconds, *scores(got, scene.clean, scene.hidden)]


def scores(got: np.ndarray, clean: np.ndarray, hidden: np.ndarray) -> list[float]:
    """`SCORES` of a clip uint8 `T H W 3`; `hidden` bool `T H W`."""
    square = np.square(got.astype(np.float32) - clean)[hidden].mean()
    inner = np.stack([cv2.erode(frame.astype(np.uint8), np.ones((9, 9))) > 0 for frame in hidden])
    energy = [_gradients(clip)[inner].mean() for clip in (got, clean)]
    cross = np.ones((3, 3))
    band = np.stack([(cv2.dilate(frame, cross) - cv2.erode(frame, cross)) > 0 for frame in hidden.astype(np.uint8)])
    a, b = (np.stack([cv2.Laplacian(x.astype(np.float32), cv2.CV_32F) for x in clip]) for clip in (got, clean))
    seam = np.abs(a - b).mean(-1)[band].mean()
    return [
        float(decibels(square)),
        _lpips(got, clean, hidden),
        float(energy[0] / energy[1]),
        float(seam),
        temporal_error(got, clean) or 0.0,
    ]


def _lpips(got: np.ndarray, clean: np.ndarray, hidden: np.ndarray) -> float:
    distances = []
    for restored, original, hole in list(zip(got, clean, hidden, strict=True))[::EVERY]:
        compared = load_perceptual()(restored, original)
        if compared is not None and hole.any():
            distances.append(compared[0][hole].mean())
    return float(np.mean(distances))


def _gradients(clip: np.ndarray) -> np.ndarray:
    grey = [cv2.GaussianBlur(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1) for x in clip]
    return np.stack([np.abs(cv2.Sobel(x, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(x, cv2.CV_32F, 0, 1)) for x in grey])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["heavy", "static"])
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--most", type=int, default=18, help="clips, evenly chosen")
    parser.add_argument("--refiner", type=Path, default=REFINER)
    args = parser.parse_args()

    restorer = Restorer.from_pretrained()
    refiner = load_refiner(args.refiner, dtype=restorer.dtype).to(restorer.device)
    print(f"| boxes | calls a window | clips | s | {' | '.join(SCORES)} |\n|{'---|' * (4 + len(SCORES))}")
    for kind in args.kinds:
        rows: dict[int, list[list[float]]] = {calls: [] for calls in (0, *CALLS)}
        for scene in scenes(restorer, args.clips, kind=kind, frames=args.frames, most=args.most):
            made = {calls: row(scene, Hybrid(refiner, Refinement(quality_steps=calls))) for calls in CALLS}
            if made[CALLS[0]][0]:
                for calls, numbers in ({0: row(scene, None)} | made).items():
                    rows[calls].append(numbers[1:])
        for calls, numbers in rows.items():
            seconds, *means = np.mean(numbers, 0)
            cells = f"{means[0]:.2f}", f"{means[1]:.4f}", f"{means[2]:.3f}", f"{means[3]:.2f}", f"{means[4]:.3f}"
            name = calls or "generator alone"
            print(f"| {kind} | {name} | {len(numbers)} | {seconds:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
