"""How long the page takes to preview one frame of 640x360, once the models are loaded, with a mask at hand.

    python -m benchmarks.preview [--runs 3]

The frame is noisy, so that all of it is generated. Processor time is shared by all threads: on N cores that nothing
else uses the wall takes at least an N-th of it.
"""

import argparse
import time

import numpy as np
import torch

from restore.frame import Frame
from restore.page.preview import preview
from restore.page.workplace import AROUND
from restore.pipeline import Restorer

SIZE = 360, 640


def frames() -> list[Frame]:
    """A camera that goes one pixel a frame over a smooth picture, noisy, with a box before it."""
    generator = np.random.default_rng(0)
    height, width = SIZE
    small = generator.integers(0, 256, (height // 12 + 2, width // 12 + 4, 3), np.uint8)
    picture = np.kron(small, np.ones((12, 12, 1), np.uint8))
    mask = np.zeros(SIZE, np.float32)
    mask[100:180, 200:300] = 1
    clip = []
    for at in range(2 * AROUND + 1):
        image = picture[:height, at : at + width] + generator.normal(0, 10, (*SIZE, 3))
        clip.append(Frame(np.clip(image, 0, 255).astype(np.uint8), pts=at, mask=mask.copy()))
    return clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    restorer = Restorer.from_pretrained()
    for run in range(runs):
        clip = frames()
        wall, processor = time.perf_counter(), time.process_time()
        (one,) = preview(
            restorer,
            clip,
            range(AROUND, AROUND + 1),
            strength=1.0,
            light="off",
            hybrid=None,
            hidden_only=False,
            order=None,
        )
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        assert one.restored.shape == (*SIZE, 3)
        warm = "warm" if run else "first"
        print(
            f"{warm}: {wall:.2f} s, {processor:.2f} s of processor time, "
            f"{torch.get_num_threads()} threads, {restorer.engine}"
        )


if __name__ == "__main__":
    main()
