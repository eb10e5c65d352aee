"""Clips in the manner of CLEVRER (Yi et al. 2020, arXiv:1910.01442): spheres, boxes and cylinders that slide over a
plain floor, slow down and collide.

    python -m benchmarks.colliding_shapes FOLDER [--clips 100] [--frames 64] [--height 128] [--width 192] [--seed 0]

On the floor each is a circle, which collides elastically with the others. It is drawn from a little above: what lies
farther away is higher in the picture and drawn first. Some rest, others come in from outside. A clip is decided by its
seed alone.

Lengths on the floor are in heights of the picture, times in seconds. Letters: `K` shapes.
"""

import argparse
import colorsys
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

RATE = 25  # frames a second
SLANT = 0.55  # height of a circle on the floor as a share of its width, as the camera sees it
FRICTION = 0.12  # by which a shape slows down
LEAST, MOST = 4, 6  # shapes
RADII = 0.09, 0.14
SPEEDS = 0.5, 1.1
RESTING = 0.5  # share of the shapes
KINDS = "sphere", "box", "cylinder"
HUES = 8
LIGHT = np.array([-0.45, 0.65, 0.61])  # where it comes from: left, above, and the viewer's side; of length 1
AMBIENT = 0.35
REACH = 3.0  # radii around where a shape stands, beyond which nothing of it or its shadow is seen
SHADOW = 0.5  # how much of the light is gone below a shape


@dataclass
class Shapes:
    """The shapes of a clip: `positions` (x, y) and `velocities` `K 2`, y away from the viewer; `radii` `K`. Masses are
    as the squared radii. `colours` `K 3`, RGB in [0, 1].
    """

    positions: np.ndarray
    velocities: np.ndarray
    radii: np.ndarray
    kinds: list[str]
    colours: np.ndarray


def draw_clip(*, frames: int, height: int, width: int, seed: int) -> np.ndarray:
    """A clip uint8 `T H W 3`, RGB."""
    rng = np.random.default_rng(seed)
    shapes = draw_shapes(width / height, rng)
    floor = _floor(height, width, rng)
    clip = []
    for _ in range(frames):
        clip.append(picture(shapes, floor))
        move(shapes, 1 / RATE, friction=FRICTION)
    return np.stack(clip)


def draw_shapes(width: float, rng: np.random.Generator) -> Shapes:
    """Shapes that do not overlap: some rest on the floor that is seen, `width` x 1 / SLANT, the others come in from
    around it, each on its way to one of the former.
    """
    count = int(rng.integers(LEAST, MOST + 1))
    radii = rng.uniform(*RADII, count)
    room = np.array([width, 1 / SLANT])
    positions, velocities = np.zeros((count, 2)), np.zeros((count, 2))
    resting = max(1, round(RESTING * count))
    for k in range(count):
        clear = False
        while not clear:
            angle = rng.uniform(0, 2 * math.pi)
            around = room / 2 + 0.6 * np.linalg.norm(room) * np.array([math.cos(angle), math.sin(angle)])
            positions[k] = rng.uniform(0.15, 0.85, 2) * room if k < resting else around
            clear = bool((np.linalg.norm(positions[:k] - positions[k], axis=1) > radii[:k] + radii[k]).all())
        if k >= resting:
            way = positions[rng.integers(resting)] - positions[k]
            velocities[k] = way / np.linalg.norm(way) * rng.uniform(*SPEEDS)
    hues = rng.permutation(HUES)[:count] / HUES
    colours = np.array([colorsys.hsv_to_rgb(hue, rng.uniform(0.55, 0.9), rng.uniform(0.6, 0.95)) for hue in hues])
    return Shapes(positions, velocities, radii, [KINDS[i] for i in rng.integers(len(KINDS), size=count)], colours)


def move(shapes: Shapes, seconds: float, *, friction: float) -> None:
    """Slow down, then slide, from collision to collision: so they never overlap, however fast they are."""
    speeds = np.linalg.norm(shapes.velocities, axis=1, keepdims=True)
    shapes.velocities *= np.maximum(0, speeds - friction * seconds) / np.maximum(speeds, 1e-12)
    while True:
        when, pair = _next_collision(shapes)
        shapes.positions += shapes.velocities * min(when, seconds)
        if when >= seconds:
            return
        seconds -= when
        collide(shapes, *pair)


def collide(shapes: Shapes, a: int, b: int) -> None:
    """Exchange the momentum of an elastic collision, along the line between the centres."""
    masses = shapes.radii**2
    line = shapes.positions[b] - shapes.positions[a]
    line = line / np.linalg.norm(line)
    approach = (shapes.velocities[a] - shapes.velocities[b]) @ line
    impulse = 2 * masses[a] * masses[b] / (masses[a] + masses[b]) * approach * line
    shapes.velocities[a] -= impulse / masses[a]
    shapes.velocities[b] += impulse / masses[b]


def _next_collision(shapes: Shapes) -> tuple[float, tuple[int, int]]:
    """In how many seconds which two touch; infinity if none will."""
    first, pair = math.inf, (0, 0)
    for a, b in itertools.combinations(range(len(shapes.radii)), 2):
        between = shapes.positions[b] - shapes.positions[a]
        velocity = shapes.velocities[b] - shapes.velocities[a]
        # |between + velocity t| = reach, the earlier of the two solutions.
        approach, square = -(between @ velocity), velocity @ velocity
        apart = between @ between - (shapes.radii[a] + shapes.radii[b]) ** 2
        root = approach**2 - square * apart
        if approach > 1e-12 and root > 0:
            when = max(0.0, (approach - math.sqrt(root)) / square)
            if when < first:
                first, pair = when, (a, b)
    return first, pair


def _floor(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Grey, lighter towards one place, float32 `H W 3` in [0, 1]."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / height
    middle = rng.uniform(0.2, 0.8, 2) * (1, width / height)
    away = np.square(rows - middle[0]) + np.square(columns - middle[1])
    grey = rng.uniform(0.5, 0.62) - 0.12 * np.tanh(away)
    return (grey[..., None] * rng.uniform(0.97, 1.03, 3)).astype(np.float32)


def picture(shapes: Shapes, floor: np.ndarray) -> np.ndarray:
    """uint8 `H W 3`, RGB: shadows first, then the shapes from the farthest to the nearest."""
    drawn, height = floor.copy(), len(floor)
    around = []  # of each: the part of the picture, and in it x to the right and y up from where it stands, in radii
    for (x, y), radius in zip(shapes.positions * height, shapes.radii * height, strict=True):
        row, column = height - SLANT * y, x
        top, bottom = np.clip([row - REACH * radius, row + REACH * radius], 0, height).astype(int)
        left, right = np.clip([column - REACH * radius, column + REACH * radius], 0, floor.shape[1]).astype(int)
        rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32) + 0.5
        around.append((np.s_[top:bottom, left:right], (columns - column) / radius, (row - rows) / radius))
    order = np.argsort(-shapes.positions[:, 1])
    for k in order:
        where, x, y = around[k]
        away = np.square(x - 0.35) + np.square((y + 0.1) / SLANT)
        drawn[where] *= (1 - SHADOW * np.exp(-away / 1.1))[..., None]
    for k in order:
        where, x, y = around[k]
        inside, light, gloss = PARTS[shapes.kinds[k]](x, y)
        alpha = np.clip(inside * shapes.radii[k] * height + 0.5, 0, 1)[..., None]  # over a pixel at the edge
        drawn[where] += alpha * (light[..., None] * shapes.colours[k] + gloss[..., None] - drawn[where])
    return np.clip(np.rint(drawn * 255), 0, 255).astype(np.uint8)


# Each part of a picture: x, y in radii => how far inside the outline (negative: outside), the light on it, the gloss.
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


def _sphere(x: np.ndarray, y: np.ndarray) -> Parts:
    y = y - 0.9  # its centre; a little below 1, as it is seen from above
    away = np.hypot(x, y)
    depth = np.sqrt(np.maximum(0, 1 - np.square(away)))
    facing = np.maximum(0, LIGHT[0] * x + LIGHT[1] * y + LIGHT[2] * depth)
    return 1 - away, AMBIENT + (1 - AMBIENT) * facing, 0.45 * facing**24


def _cylinder(x: np.ndarray, y: np.ndarray) -> Parts:
    side, tall = 0.85, 1.5
    across = np.clip(x / side, -1, 1)
    depth = np.sqrt(1 - np.square(across))
    bow = SLANT * side * depth
    lid = (1 - np.hypot(x / side, (y - tall) / (SLANT * side))) * SLANT * side
    body = np.minimum(side - np.abs(x), np.minimum(y + bow, tall - y))
    facing = np.maximum(0, LIGHT[0] * across + LIGHT[2] * depth)
    top = np.clip(lid * 20 + 0.5, 0, 1)
    light = AMBIENT + (1 - AMBIENT) * (facing + top * (LIGHT[1] + 0.3 - facing))
    return np.maximum(lid, body), light, np.zeros_like(light)


def _box(x: np.ndarray, y: np.ndarray) -> Parts:
    side = 0.7  # half a side, so that the corners reach the circle
    near, tall = -SLANT * side, 1.3
    body = np.minimum(side - np.abs(x), np.minimum(y - near, tall + SLANT * side - y))
    top = np.clip((y - near - tall) * 20 + 0.5, 0, 1)
    light = AMBIENT + (1 - AMBIENT) * (LIGHT[2] - 0.15 * x + top * (LIGHT[1] + 0.3 - LIGHT[2]))
    return body, light, np.zeros_like(light)


PARTS = {"sphere": _sphere, "cylinder": _cylinder, "box": _box}


def write_clips(folder: Path, *, clips: int, frames: int, height: int, width: int, seed: int) -> None:
    """Videos without loss, `v_shapes_g00000_c01.avi` and so on: each a scene of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + clips):
        path = folder / f"v_shapes_g{number:05}_c01.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), RATE, (width, height))
        assert writer.isOpened(), f"OpenCV cannot write {path}"
        for image in draw_clip(frames=frames, height=height, width=width, seed=number):
            writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        writer.release()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0, help="of the first clip; the next has the next one")
    args = parser.parse_args()
    write_clips(args.folder, clips=args.clips, frames=args.frames, height=args.height, width=args.width, seed=args.seed)


if __name__ == "__main__":
    main()
