"""Does resampling help to fill holes that stay, and holes that move or jump? RePaint's n = 0, 4, 6 and 10 on colliding
shapes (`colliding_shapes.py`), in the manner of CLEVRER.

    python -m benchmarks.clevrer FOLDER [--minutes 10] [--clips 160] [--held_out 8] [--write benchmarks/clevrer.md]

Draws clips, trains an autoencoder and a refiner on them as `configs/clevrer.yaml` says, the refiner for at most so many
minutes of CPU time, and regenerates one hole in each held-out clip from pure noise. What FOLDER holds already is used:
`train/`, `held_out/` and `refiner/`.

Holes are those of the training, a fifth of the picture; the rest of the picture is clean. Rows of one `steps` walk as
many noise levels; the last has as many model calls as n = 10 has, without resampling. Inside the holes: PSNR in dB,
SSIM, LPIPS; means over clips, and in brackets the difference to n = 0 with its standard error.
"""

import argparse
import math
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.colliding_shapes import write_clips
from benchmarks.regenerated import scores
from restore.degradations.holes import draw_holes
from restore.errors import RestoreError
from restore.models.autoencoder import decode, encode
from restore.refinement.load import load_refiner
from restore.refinement.refiner import RefinerPipeline
from restore.refinement.schedule import resampling_schedule
from restore.scoring.ssim import RADIUS, ssim_map
from restore.tensors import to_uint8
from restore.training.command import main as train
from restore.training.feed import first_windows, normalised
from restore.video.files import find_videos

ROOT = Path(__file__).parents[1]
HEIGHT, WIDTH, FRAMES = 128, 192, 64
HELD_OUT_SEED = 100_000  # of the first held-out clip
SIDE, WINDOW = 64, 4  # as in configs/clevrer.yaml
AUTOENCODER = (
    "--stage autoencoder --crop_height 96 --crop_width 96 --window 1 --width 64 --epochs 6 --batch_size 8 "
    "--ema_decay 0.99 --workers 0 --validate_every 150"
)
HOLES = "stationary", "variable"
SHARE = 0.2  # of the picture, hidden
RESAMPLINGS = 0, 4, 6, 10
STEPS, JUMP = 10, 2
SCORES = "PSNR", "SSIM", "LPIPS"
ALONE = "autoencoder alone"


def prepare(folder: Path, *, clips: int, held_out: int, minutes: float) -> None:
    """Draw and train what `folder` does not hold.

    Raises:
        RestoreError: a training fails; it has said why.
    """
    for name, count, seed in ("train", clips, 0), ("held_out", held_out, HELD_OUT_SEED):
        if not (folder / name).exists():
            write_clips(folder / name, clips=count, frames=FRAMES, height=HEIGHT, width=WIDTH, seed=seed)
    refiner, data = folder / "refiner", f"--data_dir {folder / 'train'}"
    if not (refiner / "vae").exists():
        places = f"--output_dir {refiner / 'vae'} --run_dir {folder / 'runs/vae'}"
        _train(f"{data} {places} {AUTOENCODER}", math.inf)
    if not (refiner / "unet").exists():
        places = f"--vae {refiner / 'vae'} --output_dir {refiner} --run_dir {folder / 'runs/refiner'}"
        _train(f"{data} {places} --config {ROOT / 'configs/clevrer.yaml'}", minutes)


def _train(arguments: str, minutes: float) -> None:
    """Stops as at Ctrl-C after so many minutes of CPU time, with weights."""
    signal.signal(signal.SIGPROF, lambda *_: signal.raise_signal(signal.SIGINT))
    if minutes < math.inf:
        signal.setitimer(signal.ITIMER_PROF, 60 * minutes)
    code = train(arguments.split())
    signal.setitimer(signal.ITIMER_PROF, 0)
    if code not in (0, 130):
        raise RestoreError(f"the training ended with {code}: {arguments}")


def holes(kind: str, count: int) -> Tensor:
    """One over each of `count` clips, `B T 1 H W`, 1 where the picture is hidden: the first of the training's holes
    that stay where they are, or that do not.
    """
    draw, found = torch.Generator().manual_seed(0), []
    while len(found) < count:
        hole = draw_holes(frames=WINDOW, height=SIDE, width=SIDE, least=SHARE, most=SHARE, generator=draw)
        if bool((hole == hole[0]).all()) == (kind == "stationary"):
            found.append(hole)
    return torch.stack(found)


def in_hole(got: np.ndarray, clean: np.ndarray, hidden: np.ndarray) -> list[float]:
    """`SCORES` of a clip uint8 `T H W 3`; `hidden` bool `T H W`."""
    inner = np.s_[RADIUS:-RADIUS, RADIUS:-RADIUS]
    similar = [ssim_map(a, b)[hole[inner]] for a, b, hole in zip(got, clean, hidden, strict=True)]
    decibels, distance, *_ = scores(got, clean, hidden)
    return [decibels, float(np.concatenate(similar).mean()), distance]


def table(refiner: RefinerPipeline, clips: Tensor) -> Iterator[tuple[str, str, int | str, int | str, np.ndarray]]:
    """Rows: holes, steps, n, model calls, and `SCORES` of each clip, `B 3`; `clips` uint8 `B T 3 H W`."""
    clean = normalised(clips, torch.device("cpu"))
    equal = _calls(STEPS, max(RESAMPLINGS))
    for kind in HOLES:
        mask = holes(kind, len(clips))

        def scored(made: Tensor, mask: Tensor = mask) -> np.ndarray:
            filled = torch.where(mask > 0, made.clamp(-1, 1), clean)
            triples = zip(filled, clean, mask[:, :, 0].numpy() > 0, strict=True)
            return np.array([in_hole(to_uint8(a), to_uint8(b), hidden) for a, b, hidden in triples])

        with torch.inference_mode():
            yield kind, ALONE, "", 0, scored(decode(refiner.vae, encode(refiner.vae, clean)))
        for steps, resamplings in (*((STEPS, n) for n in RESAMPLINGS), (equal, 0)):
            made = refiner.refine(
                clean.masked_fill(mask > 0, 0), mask, steps=steps, jump_length=JUMP, resamplings=resamplings, start=1.0
            )
            yield kind, str(steps), resamplings, _calls(steps, resamplings), scored(made)


def _calls(steps: int, resamplings: int) -> int:
    moves = resampling_schedule(steps=steps, jump_length=JUMP, resamplings=resamplings)
    return sum(after < before for before, after in moves)


def _line(row: tuple, first: np.ndarray | None) -> str:
    """`first`: the scores of the row that is compared with."""
    *names, values = row
    cells = [*map(str, names)]
    for column, digits in enumerate((2, 3, 4)):
        cell = f"{values[:, column].mean():.{digits}f}"
        if first is not None:
            apart = values[:, column] - first[:, column]
            cell += f" ({apart.mean():+.{digits}f} ± {apart.std(ddof=1) / len(apart) ** 0.5:.{digits}f})"
        cells.append(cell)
    return f"| {' | '.join(cells)} |"


def _plot(rows: list[tuple], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SCORES), figsize=(12, 3.6))
    for column, (axis, name) in enumerate(zip(axes, SCORES, strict=True)):
        for kind, colour in zip(HOLES, ("tab:blue", "tab:orange"), strict=True):
            means = {(steps, n): values[:, column].mean() for of, steps, n, _, values in rows if of == kind}
            line = [means[str(STEPS), n] for n in RESAMPLINGS]
            axis.plot(RESAMPLINGS, line, "-o", color=colour, label=f"{kind}, {STEPS} steps")
            calls = _calls(STEPS, max(RESAMPLINGS))
            label = f"{kind}, n = 0, {calls} steps"
            axis.plot(max(RESAMPLINGS), means[str(calls), 0], "D", mfc="none", color=colour, label=label)
        axis.set(title=f"{name} in the hole", xlabel="resamplings n", xticks=RESAMPLINGS)
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU time that the refiner is trained, at most")
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--held_out", type=int, default=8, help="clips, at least 2")
    parser.add_argument("--write", type=Path, help="a Markdown file; the plot goes to the same folder")
    args = parser.parse_args()

    prepare(args.folder, clips=args.clips, held_out=args.held_out, minutes=args.minutes)
    refiner = load_refiner(args.folder / "refiner")
    refiner.set_progress_bar_config(disable=True)
    videos = find_videos(args.folder / "held_out")[: args.held_out]
    clips = first_windows(videos, frames=WINDOW, crop=(SIDE, SIDE), seed=0)
    lines = ["| holes | steps | n | calls | " + " | ".join(SCORES) + " |", "|---" * (4 + len(SCORES)) + "|"]
    print("\n".join(lines), flush=True)
    rows: list[tuple] = []
    for row in table(refiner, clips):
        first = next((other[-1] for other in rows if other[:3] == (row[0], str(STEPS), 0)), None)
        rows.append(row)
        lines.append(_line(row, first))
        print(lines[-1], flush=True)
    if args.write:
        _plot(rows, args.write.with_suffix(".png"))
        args.write.write_text(
            f"# Resampling on colliding shapes\n`python -m benchmarks.clevrer FOLDER --minutes {args.minutes:g} "
            f"--clips {args.clips} --held_out {len(videos)}`:\n\n" + "\n".join(lines) + "\n\n"
            f"![Scores against resamplings]({args.write.stem}.png)\n"
        )


if __name__ == "__main__":
    main()
