"""Does what the refiner invents stay as it is, where the scene stands and a hole stays?

    python -m benchmarks.still_hole CLIPS [--frames 300] [--most 3] [--refiner FOLDER]

The first frame of each clip is repeated, with noise of 2 levels of its own in each, and a box of a quarter of the sides
in the middle hides it, given as a mask. Mean absolute difference in levels of what is regenerated, between frame 30 and
the last; and between neighbouring frames.
"""

import argparse
from collections.abc import Iterator
from itertools import tee
from pathlib import Path

import numpy as np

from restore.pipeline import Restorer
from restore.refinement.hybrid import Hybrid
from restore.refinement.load import REFINER, load_refiner
from restore.video.clip import read_clip
from restore.video.files import find_videos

EARLY = 30
NOISE = 2.0  # levels


def noisy(picture: np.ndarray, frames: int) -> Iterator[np.ndarray]:
    """The picture uint8 `H W 3`, each time with other noise."""
    draw = np.random.default_rng(0)
    for _ in range(frames):
        yield np.clip(np.rint(picture + NOISE * draw.standard_normal(picture.shape)), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--most", type=int, default=3, help="clips, evenly chosen")
    parser.add_argument("--refiner", type=Path, default=REFINER)
    args = parser.parse_args()

    restorer = Restorer.from_pretrained()
    hybrid = Hybrid(load_refiner(args.refiner, dtype=restorer.dtype).to(restorer.device))
    videos = find_videos(args.clips)
    print(
        f"| clip | frame {EARLY} to {args.frames} | from frame to frame | generator alone, {EARLY} to {args.frames} |"
    )
    print("|---|---|---|---|")
    for video in videos[:: max(1, len(videos) // args.most)][: args.most]:
        picture = read_clip(video, 0, 1)[0]
        height, width = picture.shape[:2]
        hole = slice(3 * height // 8, 5 * height // 8), slice(3 * width // 8, 5 * width // 8)
        mask = np.zeros((height, width), np.float32)
        mask[hole] = 1
        frames = restorer.restore_frames(noisy(picture, args.frames), [mask] * args.frames)
        filled, refined = tee(frames)
        early: list[np.ndarray] = []
        last: list[np.ndarray] = []
        steps = []
        for number, (one, other) in enumerate(zip(filled, hybrid.refine_frames(refined), strict=True)):
            now = [frame.image[hole].astype(np.float32) for frame in (other, one)]
            if number > EARLY:
                steps.append(np.abs(now[0] - last[0]).mean())
            early, last = now if number == EARLY else early, now
        changes = [np.abs(a - b).mean() for a, b in zip(early, last, strict=True)]
        print(f"| {video.stem} | {changes[0]:.2f} | {np.mean(steps):.2f} | {changes[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
