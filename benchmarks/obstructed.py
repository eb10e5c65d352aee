"""How well are clips restored that leaves, dirt, drops, glare, scratches and text hide a part of?

    python -m benchmarks.obstructed CLIPS [--seed 1000] [--frames 24]

Clips are obstructed as in `benchmarks/segmentation.py`. PSNR in dB of whole frames, and of the hidden and the visible
pixels of each clip; means over clips: of the input, of classical inpainting with the true mask (Telea; non-local means
where the clip is noisy), and of what is restored, blind and with the true mask.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.segmentation import obstructed
from restore.pipeline import Restorer
from restore.scoring.psnr import decibels
from restore.shipped import WEIGHTS
from restore.video.clip import read_clip
from restore.video.files import find_videos


def classical(frames: np.ndarray, mask: np.ndarray, *, noisy: bool) -> np.ndarray:
    """Frames uint8 `T H W 3`, each by itself; `mask` is `T H W`."""
    results = [
        cv2.inpaint(frame, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        for frame, hidden in zip(frames, mask > 0, strict=True)
    ]
    if noisy:
        results = [cv2.fastNlMeansDenoisingColored(frame, None, 8, 8, 5, 15) for frame in results]
    return np.stack(results)


def scores(got: np.ndarray, clean: np.ndarray, hidden: np.ndarray) -> list[float]:
    """PSNR of the whole, the hidden and the visible: clips uint8 `T H W 3`, `hidden` bool `T H W`."""
    error = np.square(got.astype(np.float32) - clean)
    whole = [float(decibels(frame.mean())) for frame in error]
    return [float(np.mean(whole)), float(decibels(error[hidden].mean())), float(decibels(error[~hidden].mean()))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=1000, help="of what is drawn; training draws from others")
    parser.add_argument("--frames", type=int, default=24)
    args = parser.parse_args()
    restorer = Restorer.from_pretrained(args.weights)
    rows: dict[str, list[list[float]]] = {"input": [], "classical": [], "blind": [], "true mask": []}
    for index, path in enumerate(find_videos(args.clips)):
        clean, noisy = read_clip(path, 0, args.frames), index % 2 == 1
        frames, mask, _ = obstructed(clean, args.seed + index, typical=noisy)
        results = {
            "input": frames,
            "classical": classical(frames, mask, noisy=noisy),
            "blind": np.stack([frame.image for frame in restorer.restore_frames(frames)]),
            "true mask": np.stack([frame.image for frame in restorer.restore_frames(frames, mask)]),
        }
        for name, got in results.items():
            rows[name].append(scores(got, clean, mask > 0))
    print("| | all | hidden | visible |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in np.mean(row, 0)) + " |")


if __name__ == "__main__":
    main()
