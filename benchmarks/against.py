"""Times `inference.py` of an earlier revision beside that of the working tree, in turn, so that a ratio holds on a
machine that is now fast and now slow.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """One process.

    Attributes:
        rate: frames a second once the models are loaded, as its report says.
        wall, cpu: seconds of the whole process; of all its threads.
        memory: MB, at most at once.
    """

    rate: float
    wall: float
    cpu: float
    memory: float


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with the files of a revision."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), revision], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def run(tree: Path, video: Path) -> Run:
    """Restore the video with the code and the weights in `tree`."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "inference.py", "--degraded_video", str(video), "--output_dir", out]
        start = perf_counter()
        process = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        if status:
            raise RuntimeError(f"inference.py failed with {os.waitstatus_to_exitcode(status)}: {tree}")
        report = json.loads(next(Path(out).glob("*.json")).read_text())
    return Run(report["frames_per_second"], wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(revision: str, videos: dict[str, Path], rounds: int) -> None:
    """Print the best of several rounds of both trees for each video."""
    print("| | tree | frames/s | process, s | CPU, s | peak, MB |\n|---|---|---|---|---|---|")
    with checked_out(revision) as earlier:
        trees = {revision: earlier, "this": ROOT}
        for tree in trees.values():  # what is exported or compiled once is not timed
            run(tree, next(iter(videos.values())))
        for name, video in videos.items():
            runs: dict[str, list[Run]] = {tree: [] for tree in trees}
            for _ in range(rounds):
                for tree, path in trees.items():
                    runs[tree].append(run(path, video))
            best = {tree: max(of, key=lambda one: one.rate) for tree, of in runs.items()}
            for tree, one in best.items():
                print(f"| {name} | {tree} | {one.rate:.1f} | {one.wall:.1f} | {one.cpu:.1f} | {one.memory:.0f} |")
            times = best["this"].rate / best[revision].rate
            saved = best[revision].cpu / best["this"].cpu
            print(f"| | | {times:.2f}x | | {saved:.2f}x less | |", flush=True)
