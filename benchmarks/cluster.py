"""What a Ray cluster gains: two workers of one core each against one process of one core, on a folder of clips.

    python -m benchmarks.cluster [--videos 8] [--frames 96] [--kill]

Makes a folder of noisy clips with moving boxes, restores it with `--threads 1` on one core, then with `--ray local` on
two, and compares frames a second and bytes. The rate is that of the whole command, and of what follows once models are
loaded, which in a long run is all. With `--kill` a worker is killed half way. Needs two cores that nothing else uses.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.kills import results
from benchmarks.stages import SIZE, make_clip
from restore.degrade_file import degrade_file
from restore.inference.journal import journal_folder


def timed(
    videos: Path, out: Path, cores: set[int], *flags: str, meanwhile: Callable[[], bool] = lambda: True
) -> tuple[float, float]:
    """Seconds that the command takes, in all and from the begin of the first video on.

    Args:
        meanwhile: called again and again while it works, until it is true.
    """
    command = [
        sys.executable,
        "inference.py",
        "--degraded_video",
        videos,
        "--output_dir",
        out,
        "--threads",
        "1",
        *flags,
    ]
    started, begun, through = time.perf_counter(), 0.0, False
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    while process.poll() is None:
        if not begun and (out / "summary.json").exists():
            begun = time.perf_counter()
        through = through or (begun > 0 and meanwhile())
        time.sleep(0.02)
    ended = time.perf_counter()
    if process.returncode:
        sys.exit(process.stderr.read() if process.stderr else "")
    return ended - started, ended - begun


def kill_a_worker(outputs: list[Path]) -> bool:
    """Once half of the videos are done, whichever process has the next => whether one was killed."""
    if sum(output.with_suffix(".json").exists() for output in outputs) < len(outputs) // 2:
        return False
    locks = {str(journal_folder(output) / "lock") for output in outputs}
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) in locks:
                os.kill(int(entry.parts[2]), signal.SIGKILL)
                return True
        except OSError:  # it has ended, or is another user's
            continue
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--frames", type=int, default=96, help="of each (default: 96)")
    parser.add_argument("--kill", action="store_true", help="kill a worker half way")
    args = parser.parse_args()
    first, second = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary).resolve()
        videos = root / "videos"
        videos.mkdir()
        make_clip(root / "clean.mp4", args.frames)
        for index in range(args.videos):
            degrade_file(root / "clean.mp4", videos / f"{index}.mp4", kind="moving", seed=index)
        for path in videos.glob("*_mask.mkv"):
            path.unlink()
        frames = args.videos * args.frames
        print(f"{args.videos} clips of {args.frames} frames, {SIZE[0]}x{SIZE[1]}", flush=True)
        one, several = root / "one", root / "several"
        outputs = [several / f"{index}_restored.mp4" for index in range(args.videos)]
        took = {"one process, one core": timed(videos, one, {first})}
        meanwhile = (lambda: kill_a_worker(outputs)) if args.kill else (lambda: True)
        took["Ray, two workers of one core"] = timed(
            videos, several, {first, second}, "--ray", "local", meanwhile=meanwhile
        )
        (base, base_loaded), _ = took.values()
        for name, (whole, loaded) in took.items():
            print(
                f"{name:30s} {frames / whole:6.2f} frames/s {base / whole:5.2f}x;  "
                f"once loaded {frames / loaded:6.2f} frames/s {base_loaded / loaded:5.2f}x"
            )
        was, now = (
            {name: content for name, content in results(at).items() if not name.startswith("summary")}
            for at in (one, several)
        )
        alike = sum(now.get(name) == content for name, content in was.items())
        print(f"{alike} of {len(was)} files are the same byte by byte; {len(now) - len(was)} more than there were")
        statuses = [row["status"] for row in json.loads((several / "summary.json").read_text())["videos"]]
        print(f"{statuses.count('done')} of {len(statuses)} videos are done")


if __name__ == "__main__":
    main()
