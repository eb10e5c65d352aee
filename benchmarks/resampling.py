"""What resampling buys and costs: model calls, seconds and quality of the refiner's samplers.

    python -m benchmarks.resampling CLIPS [--frames 16] [--most 2] [--write benchmarks/resampling.md]

Clips are degraded with one heavy box, restored by the generator with the true mask, and what no frame saw is refined in
every way (`regenerated.py` says what the columns are). Means over clips.
"""

import argparse
import itertools
import math
from pathlib import Path

import numpy as np

from benchmarks.regenerated import SCORES, row, scenes
from restore.pipeline import Restorer
from restore.refinement.hybrid import Hybrid, Refinement
from restore.refinement.load import load_refiner

RESAMPLINGS, STEPS, SAMPLERS = (0, 4, 6, 10), (10, 20, 50), ("ddim", "unipc")
COLUMNS = "sampler", "steps", "n", "calls", "s", *SCORES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--most", type=int, default=2, help="clips, evenly chosen")
    parser.add_argument("--start", type=float, default=0.6)
    parser.add_argument("--write", type=Path, help="a Markdown file; the plot goes to the same folder")
    args = parser.parse_args()

    restorer = Restorer.from_pretrained()
    refiner = load_refiner(dtype=restorer.dtype).to(restorer.device)
    held = list(scenes(restorer, args.clips, kind="heavy", frames=args.frames, most=args.most))

    def means(hybrid: Hybrid | None) -> list[float]:
        return np.mean([row(scene, hybrid) for scene in held], 0).tolist()

    table = [("generator alone", "", "", *means(None))]
    print(_markdown(table[:1]), flush=True)
    for sampler, steps, resamplings in itertools.product(SAMPLERS, STEPS, RESAMPLINGS):
        settings = Refinement(
            sampler=sampler,  # type: ignore[arg-type]
            quality_steps=math.ceil(steps * args.start),
            resamplings=resamplings,
            jump_length=max(1, steps // 10),
            start=args.start,
        )
        table.append((sampler, steps, resamplings, *means(Hybrid(refiner, settings))))  # type: ignore[arg-type]
        print(_markdown(table[-1:]).splitlines()[-1], flush=True)
    if args.write:
        _plot(table, args.write.with_suffix(".png"))
        args.write.write_text(
            f"# Resampling\n`python -m benchmarks.resampling CLIPS --frames {args.frames} --most {len(held)}`: "
            f"start {args.start}, jump length a tenth of the steps; calls and seconds a clip, columns as in "
            f"`resampling.py`.\n\n{_markdown(table)}\n![Quality against model calls]({args.write.stem}.png)\n"
        )


def _markdown(table: list[tuple]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for *names, calls, seconds, hole, lpips, detail, seam, warp in table:
        scores = f"{hole:.2f}", f"{lpips:.4f}", f"{detail:.3f}", f"{seam:.2f}", f"{warp:.3f}"
        lines.append(f"| {' | '.join(map(str, (*names, f'{calls:.0f}', f'{seconds:.1f}', *scores)))} |")
    return "\n".join(lines) + "\n"


def _plot(table: list[tuple], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SCORES), figsize=(17, 3.4))
    for axis, name in zip(axes, SCORES, strict=True):
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
