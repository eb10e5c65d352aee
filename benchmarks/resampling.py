"""What resampling buys and costs: model calls, seconds and quality of the refiner's samplers.

    python -m benchmarks.resampling CLIPS [--frames 16] [--most 2] [--write benchmarks/resampling.md]

Clips are degraded with one heavy box, restored by the generator with the true mask, and what no frame saw is refined in
every way. Inside the hole: PSNR, detail (gradient energy as a share of the clean clip's), seam (difference of the
Laplacians on a band at the hole's edge, levels of 255); over the whole frame: temporal error x 1e3. Means over clips.
"""

import argparse
import itertools
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from restore.degradations.degrade import Ranges, degrade
from restore.pipeline import Restored, Restorer
from restore.refinement.hybrid import Hybrid, Refinement
from restore.refinement.load import load_refiner
from restore.scoring.psnr import decibels
from restore.scoring.temporal import temporal_error
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

RESAMPLINGS, STEPS, SAMPLERS = (0, 4, 6, 10), (10, 20, 50), ("ddim", "unipc")
COLUMNS = "sampler", "steps", "n", "calls", "s", "hole", "detail", "seam", "warp"


def scores(got: np.ndarray, clean: np.ndarray, hidden: np.ndarray) -> list[float]:
    """PSNR in the hole, detail, seam and temporal error of clips uint8 `T H W 3`; `hidden` bool `T H W`."""
    square = np.square(got.astype(np.float32) - clean)[hidden].mean()
    inner = np.stack([cv2.erode(frame.astype(np.uint8), np.ones((9, 9))) > 0 for frame in hidden])
    energy = [_gradients(clip)[inner].mean() for clip in (got, clean)]
    cross = np.ones((3, 3))
    band = np.stack([(cv2.dilate(frame, cross) - cv2.erode(frame, cross)) > 0 for frame in hidden.astype(np.uint8)])
    a, b = (np.stack([cv2.Laplacian(x.astype(np.float32), cv2.CV_32F) for x in clip]) for clip in (got, clean))
    seam = np.abs(a - b).mean(-1)[band].mean()
    return [float(decibels(square)), float(energy[0] / energy[1]), float(seam), temporal_error(got, clean) or 0.0]


def _gradients(clip: np.ndarray) -> np.ndarray:
    grey = [cv2.GaussianBlur(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1) for x in clip]
    return np.stack([np.abs(cv2.Sobel(x, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(x, cv2.CV_32F, 0, 1)) for x in grey])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--most", type=int, default=2, help="clips, evenly chosen")
    parser.add_argument("--start", type=float, default=0.6)
    parser.add_argument("--write", type=Path, help="a Markdown file; the plot goes to the same folder")
    args = parser.parse_args()

    videos = find_videos(args.clips)
    videos = videos[:: max(1, len(videos) // args.most)][: args.most]
    restorer = Restorer.from_pretrained()
    refiner = load_refiner(dtype=restorer.dtype).to(restorer.device)
    scenes: list[tuple[np.ndarray, np.ndarray, list[Restored]]] = []
    for video in videos:
        clean = read_clip(video, 0, args.frames)
        degraded, mask = degrade(
            to_float(clean)[None],
            generator=torch.Generator().manual_seed(0),
            ranges=Ranges(typical_share=1, compressed_share=0),
            kind="heavy",
        )
        restored = list(restorer.restore_frames(to_uint8(degraded[0]), mask[0, :, 0].numpy()))
        scenes.append((clean, mask[0, :, 0].numpy() > 0, restored))

    def row(settings: Refinement | None) -> list[float]:
        rows = []
        for clean, hidden, restored in scenes:
            made: dict[int, int] = {}  # model calls, by stretch

            def count(stretch: int, call: int, _: int, made: dict[int, int] = made) -> None:
                made[stretch] = call

            started = time.perf_counter()
            hybrid = None if settings is None else Hybrid(refiner, settings)
            refined = restored if hybrid is None else list(hybrid.refine_frames(restored, progress=count))
            seconds = time.perf_counter() - started
            got = np.stack([frame.image for frame in refined])
            rows.append([sum(made.values()), seconds, *scores(got, clean, hidden)])
        return np.mean(rows, 0).tolist()

    table = [("generator alone", "", "", *row(None))]
    print(_markdown(table[:1]), flush=True)
    for sampler, steps, resamplings in itertools.product(SAMPLERS, STEPS, RESAMPLINGS):
        settings = Refinement(
            sampler=sampler,  # type: ignore[arg-type]
            steps=steps,
            resamplings=resamplings,
            jump_length=max(1, steps // 10),
            start=args.start,
        )
        table.append((sampler, steps, resamplings, *row(settings)))  # type: ignore[arg-type]
        print(_markdown(table[-1:]).splitlines()[-1], flush=True)
    if args.write:
        _plot(table, args.write.with_suffix(".png"))
        args.write.write_text(
            f"# Resampling\n`python -m benchmarks.resampling CLIPS --frames {args.frames} --most {len(scenes)}`: "
            f"start {args.start}, jump length a tenth of the steps; calls and seconds a clip, columns as in "
            f"`resampling.py`.\n\n{_markdown(table)}\n![Quality against model calls]({args.write.stem}.png)\n"
        )


def _markdown(table: list[tuple]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for *names, calls, seconds, hole, detail, seam, warp in table:
        numbers = f"{calls:.0f}", f"{seconds:.1f}", f"{hole:.2f}", f"{detail:.3f}", f"{seam:.2f}", f"{warp:.3f}"
        lines.append(f"| {' | '.join(map(str, (*names, *numbers)))} |")
    return "\n".join(lines) + "\n"


def _plot(table: list[tuple], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(14, 3.4))
    for axis, name in zip(axes, ("hole", "detail", "seam", "warp"), strict=True):
        column = COLUMNS.index(name)
        axis.axhline(table[0][column], color="grey", linestyle=":", label="generator alone")
        for sampler, steps in itertools.product(SAMPLERS, STEPS):
            rows = [row for row in table if row[:2] == (sampler, steps)]
            style = "-o" if sampler == "ddim" else "--s"
            axis.plot([row[3] for row in rows], [row[column] for row in rows], style, label=f"{sampler} {steps}")
        axis.set(title=name, xlabel="model calls", xscale="log")
    axes[-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
