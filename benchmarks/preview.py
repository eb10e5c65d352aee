"""How long the page takes to preview 640x360, once the models are loaded, with a mask at hand: one frame, or seconds.

    python -m benchmarks.preview [--runs 3] [--seconds 2]
    python -m benchmarks.preview --page

`--page`: how long the page itself takes, from its command to all its files, asked for one after another.

All frames are noisy, so that all of each is generated. With `--seconds`, at 25 frames a second: when the first picture
is there, when the last, and how long they take with another strength. Processor time is shared by all threads: on N
cores that nothing else uses the wall takes at least an N-th of it.
"""

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import torch

import restore.page
from restore.frame import Frame
from restore.page.preview import finished, generated, kept
from restore.page.workplace import AROUND
from restore.pipeline import Restorer

STATIC = Path(restore.page.__file__).parent / "static"
SIZE, RATE = (360, 640), 25


def frames(wanted: int) -> list[Frame]:
    """A camera that goes one pixel a frame over a smooth picture, noisy, with a box before it."""
    generator = np.random.default_rng(0)
    height, width = SIZE
    count = wanted + 2 * AROUND
    small = generator.integers(0, 256, (height // 12 + 2, (width + count) // 12 + 2, 3), np.uint8)
    picture = np.kron(small, np.ones((12, 12, 1), np.uint8))
    mask = np.zeros(SIZE, np.float32)
    mask[100:180, 200:300] = 1
    clip = []
    for at in range(count):
        image = picture[:height, at : at + width] + generator.normal(0, 10, (*SIZE, 3))
        clip.append(Frame(np.clip(image, 0, 255).astype(np.uint8), pts=at, mask=mask.copy()))
    return clip


def page() -> None:
    """The command in a process of its own, with an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        command = [sys.executable, "-m", "restore", "page", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            there, browser = time.perf_counter(), urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            paths = ["", *(f"static/{path.name}" for path in STATIC.iterdir())]
            sizes = [len(browser.open(address).read())]
            sizes += [len(browser.open(address.partition("?")[0] + path).read()) for path in [*paths, "api/videos"]]
            loaded = time.perf_counter()
            process.send_signal(signal.SIGINT)
            process.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"the address after {there - begin:.2f} s, {len(sizes)} files ({sum(sizes) / 1e3:.0f} kB) "
        f"{loaded - there:.2f} s later; {used.ru_utime + used.ru_stime:.2f} s of processor time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--page", action="store_true")
    settings = parser.parse_args()
    if settings.page:
        page()
        return
    restorer = Restorer.from_pretrained()
    wanted = max(1, round(settings.seconds * RATE))
    shown = partial(finished, hybrid=None, hidden_only=False, order=None)
    for run in range(settings.runs):
        clip = frames(wanted)
        begin, processor = time.perf_counter(), time.process_time()
        results, walls = [], []
        for one in generated(restorer, clip, range(AROUND, AROUND + wanted), light="off", order=None):
            results.append(one)
            assert next(shown([one], strength=1.0)).restored.shape == (*SIZE, 3)
            walls.append(time.perf_counter() - begin)
        processor = time.process_time() - processor
        begin = time.perf_counter()
        again = sum(1 for _ in shown(map(kept, results), strength=0.5))
        begin = time.perf_counter() - begin
        assert again == wanted
        warm = "warm" if run else "first"
        print(
            f"{warm}: {wanted} frames, the first after {walls[0]:.2f} s, the last after {walls[-1]:.2f} s, "
            f"{processor:.2f} s of processor time; with another strength {begin:.2f} s; "
            f"{torch.get_num_threads()} threads, {restorer.engine}"
        )


if __name__ == "__main__":
    main()
