"""How well is a hole copied under slow motion? A photograph seen by a camera that drifts, zooms or rolls by a fraction
of a pixel a frame, and a box that covers a part of it for 17 frames.

    python -m benchmarks.drift [--noise 0]

For each motion: PSNR in dB of the pixels behind the box after restoration with true masks, how far that is below the
camera that is static, and the mean confidence behind the box in its first, middle and last frame.
"""

import argparse

import cv2
import numpy as np
from skimage import data

from restore.pipeline import Restorer
from restore.scoring.psnr import decibels

SIZE = 320, 240
OPEN, COVERED = 10, 17  # frames before and after the box, and with it
BOX = slice(84, 156), slice(110, 200)
MOTIONS = {  # px a frame in x and y, growth a frame, degrees a frame
    "static": (0.0, 0.0, 0.0, 0.0),
    "0.1 px": (0.1, 0.0, 0.0, 0.0),
    "0.2 px": (0.2, 0.0, 0.0, 0.0),
    "0.35 px": (0.35, 0.0, 0.0, 0.0),
    "0.6 px": (0.6, 0.0, 0.0, 0.0),
    "1.3 px": (1.3, 0.0, 0.0, 0.0),
    "0.2 px, vertical": (0.0, 0.2, 0.0, 0.0),
    "0.35 px, both axes": (0.35, 0.35, 0.0, 0.0),
    "zoom 0.2 %": (0.0, 0.0, 0.002, 0.0),
    "roll 0.1 degrees": (0.0, 0.0, 0.0, 0.1),
}


def camera_clip(motion: tuple[float, float, float, float]) -> np.ndarray:
    """The photograph as the camera sees it, uint8 `T H W 3`, each frame sampled anew from four times its resolution."""
    photo = cv2.GaussianBlur(cv2.resize(data.astronaut(), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), (0, 0), 2.0)
    middle = np.array(photo.shape[1::-1]) / 2
    x, y, growth, turn = motion
    frames = []
    for t in range(2 * OPEN + COVERED):
        away = t - OPEN - COVERED / 2
        angle, scale = np.deg2rad(turn * away), 4 / (1 + growth) ** away
        matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = middle + 4 * np.array([x, y]) * away - matrix @ (np.array(SIZE) / 2)
        there = np.concatenate([matrix, offset[:, None]], 1)
        frames.append(cv2.warpAffine(photo, there, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
    return np.stack(frames)


def covered(clip: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """The clip with noise (sigma in levels of 255) and a grey box, and the mask: uint8 `T H W 3`, float32 `T H W`."""
    random = np.random.default_rng(0)
    masks = np.zeros(clip.shape[:3], np.float32)
    masks[OPEN : OPEN + COVERED, *BOX] = 1
    boxed = np.where(masks[..., None] > 0, 128, clip) + noise * random.standard_normal(clip.shape)
    return np.clip(np.rint(boxed), 0, 255).astype(np.uint8), masks


def measure(restorer: Restorer, motion: tuple[float, float, float, float], noise: float) -> tuple[float, list[float]]:
    """PSNR behind the box, and the confidence there in its first, middle and last frame."""
    clip = camera_clip(motion)
    restored = list(restorer.restore_frames(*covered(clip, noise)))
    behind = slice(OPEN, OPEN + COVERED)
    images = np.stack([frame.image for frame in restored])
    error = (images[behind, *BOX].astype(np.float32) - clip[behind, *BOX]) ** 2
    certain = [float(restored[t].confidence[BOX].mean() / 255) for t in (OPEN, OPEN + COVERED // 2, OPEN + COVERED - 1)]
    return float(decibels(error.mean())), certain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=float, default=0.0)
    args = parser.parse_args()
    restorer = Restorer.from_pretrained()
    static = float("nan")
    print(f"{'motion a frame':20s} {'PSNR':>6s} {'loss':>6s}  confidence: first, middle, last")
    for name, motion in MOTIONS.items():
        quality, certain = measure(restorer, motion, args.noise)
        static = quality if name == "static" else static
        print(
            f"{name:20s} {quality:6.2f} {static - quality:6.2f}  " + " ".join(f"{x:.2f}" for x in certain), flush=True
        )


if __name__ == "__main__":
    main()
