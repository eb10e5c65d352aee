"""What becomes of structure that a hole interrupts: straight edges, a periodic texture, and whatever a clip shows?

    python -m benchmarks.structure [CLIP ...] [--refiner FOLDER] [--write docs/structure.png]

Two drawn scenes pan by half a pixel a frame behind a box that no frame sees behind, given as a mask. Of the edges: how
far their orientation just inside the hole is from the true one, in degrees. Of the texture: its correlation with the
true one inside the hole. Rows of the strip: degraded, generator, regenerated, true; clips have a box over a quarter of
each side, in their middle. Nothing is measured of clips: look at them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restore.pipeline import Restorer
from restore.refinement.hybrid import Hybrid
from restore.refinement.load import REFINER, load_refiner
from restore.video.clip import read_clip

HEIGHT, WIDTH, FRAMES = 192, 256, 8
RIM = 10  # px inside the hole, where edges have to go on
GREY = 128


@dataclass(frozen=True)
class Case:
    """A clean clip uint8 `T H W 3` and its hole, rows and columns."""

    name: str
    clean: np.ndarray
    hole: tuple[slice, slice]


def edges() -> Case:
    """Bands of several greys and widths, 30 degrees from upright."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    frames = []
    for time in range(FRAMES):
        across = (columns + 0.5 * time) * np.cos(np.pi / 6) + rows * np.sin(np.pi / 6)
        frames.append(110 + 60 * np.tanh(4 * np.sin(across / 17)) + 30 * np.tanh(4 * np.sin(across / 41)))
    return Case("edges", _coloured(frames), _middle(HEIGHT, WIDTH))


def texture() -> Case:
    """A weave with a period of 12 px."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    frames = []
    for time in range(FRAMES):
        across, down = (np.sin(2 * np.pi * (x + 0.5 * time) / 12) for x in (columns, rows))
        frames.append(120 + 45 * across * down + 20 * across)
    return Case("texture", _coloured(frames), _middle(HEIGHT, WIDTH))


def orientation_error(got: np.ndarray, clean: np.ndarray, hole: tuple[slice, slice]) -> float:
    """Mean difference in degrees of the orientation of edges just inside a hole, weighed by how strong the true ones
    are; 45 is chance. Pictures uint8 `H W 3`.
    """
    inside = np.zeros(clean.shape[:2], np.uint8)
    inside[hole] = 1
    rim = (inside > 0) & (cv2.erode(inside, np.ones((2 * RIM + 1, 2 * RIM + 1))) == 0)
    (angle, _), (true, strength) = (_orientation(picture) for picture in (got, clean))
    apart = np.abs((angle - true + 90) % 180 - 90)
    return float((apart * strength)[rim].sum() / strength[rim].sum())


def correlation(got: np.ndarray, clean: np.ndarray, hole: tuple[slice, slice]) -> float:
    """Of the greys of two pictures uint8 `H W 3` inside a hole, in [-1, 1]."""
    pair = [picture[hole].mean(-1).ravel() for picture in (got, clean)]
    return float(np.corrcoef(pair[0], pair[1])[0, 1]) if pair[0].std() > 0 else 0.0


def _orientation(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the structure tensor: the angle in degrees, modulo 180, and the strength, both `H W`."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), 3) for product in (x * x, y * y, x * y))
    return np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)), np.hypot(xx - yy, 2 * xy)


def _coloured(frames: list[np.ndarray]) -> np.ndarray:
    tint = np.array([1.0, 0.96, 0.88], np.float32)
    return np.clip(np.rint(np.stack(frames)[..., None] * tint), 0, 255).astype(np.uint8)


def _middle(height: int, width: int) -> tuple[slice, slice]:
    """A box over a quarter of each side."""
    return slice(3 * height // 8, 5 * height // 8), slice(3 * width // 8, 5 * width // 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--refiner", type=Path, default=REFINER)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()

    restorer = Restorer.from_pretrained()
    hybrid = Hybrid(load_refiner(args.refiner, dtype=restorer.dtype).to(restorer.device))
    cases = [edges(), texture()]
    for path in args.clips:
        clean = read_clip(path, 0, FRAMES)
        cases.append(Case(path.stem, clean, _middle(*clean.shape[1:3])))
    columns = []
    print("| scene | measure | generator | regenerated |\n|---|---|---|---|")
    for case in cases:
        mask = np.zeros(case.clean.shape[1:3], np.float32)
        mask[case.hole] = 1
        degraded = np.where(mask[..., None] > 0, np.uint8(GREY), case.clean)
        filled = list(restorer.restore_frames(degraded, [mask] * len(degraded)))
        refined = list(hybrid.refine_frames(filled))
        at = len(filled) // 2
        pictures = [degraded[at], filled[at].image, refined[at].image, case.clean[at]]
        measures = {"edges": ("degrees", orientation_error), "texture": ("correlation", correlation)}
        if case.name in measures:
            unit, measure = measures[case.name]
            made = [measure(picture, case.clean[at], case.hole) for picture in pictures[1:3]]
            print(f"| {case.name} | {unit} | {made[0]:.2f} | {made[1]:.2f} |", flush=True)
        columns.append(np.concatenate([cv2.resize(picture, (WIDTH, HEIGHT)) for picture in pictures]))
    if args.write:
        cv2.imwrite(str(args.write), np.concatenate(columns, 1)[..., ::-1])


if __name__ == "__main__":
    main()
