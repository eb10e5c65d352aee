"""Something removed from a video, frame by frame: `docs/object_removal.png`, and where its pixels come from.

    python -m benchmarks.object_removal VIDEO MASK [--output docs/object_removal.png] [--weights GENERATOR]

Five frames from first to last, each as it was, with the mask outlined, restored, and coloured by where each pixel comes
from. The picture in `docs/` is of `tennis` of DAVIS (Perazzi et al. 2016), 70 frames of 432x240; its mask covers the
player and his shadow.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

from restore.inference.files import restore_file
from restore.inference.overlay import overlay
from restore.inference.side_by_side import LEGEND, WHITE, Label, captioned
from restore.pipeline import Restorer
from restore.shipped import WEIGHTS
from restore.video.mask import hidden_pixels
from restore.video.reader import VideoReader

COLUMNS = 5
WIDTH = 240  # px of a frame in the picture
LEVELS = 32  # of each colour in the picture: hardly visible, and half the bytes
OUTLINE = (255, 255, 0)


def frames_at(path: Path, numbers: list[int], interpolation: int) -> list[np.ndarray]:
    """The frames of these numbers, uint8 `H W 3`, scaled to `WIDTH`."""
    with VideoReader(path) as reader:
        size = WIDTH, round(reader.info.height * WIDTH / reader.info.width)
        frames = [frame.image for number, frame in enumerate(reader) if number in numbers]
    return [cv2.resize(frame, size, interpolation=interpolation) for frame in frames]


def outlined(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The picture with a line around what is hidden (bool `H W`)."""
    contours, _ = cv2.findContours(hidden.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), contours, -1, OUTLINE)


def row(pictures: list[np.ndarray], labels: list[Label]) -> np.ndarray:
    """Pictures in a row, the caption over the first."""
    return np.hstack([captioned(picture, [] if index else labels) for index, picture in enumerate(pictures)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("mask", type=Path, help="white where the object is")
    parser.add_argument("--output", type=Path, default=Path("docs/object_removal.png"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        output, codes = Path(folder) / "restored.mkv", Path(folder) / "codes.mkv"
        restorer = Restorer.from_pretrained(args.weights)
        report = restore_file(restorer, args.video, output, mask=args.mask, write_provenance=codes, lossless=True)
        numbers = np.linspace(0, report["frames"] - 1, COLUMNS).round().astype(int).tolist()
        given, restored = (frames_at(path, numbers, cv2.INTER_AREA) for path in (args.video, output))
        masks, provenance = (frames_at(path, numbers, cv2.INTER_NEAREST) for path in (args.mask, codes))
    rows = [
        row(given, [("given", WHITE)]),
        row([outlined(*pair) for pair in zip(given, map(hidden_pixels, masks), strict=True)], [("mask", OUTLINE)]),
        row(restored, [("restored", WHITE)]),
        row([overlay(image, code[..., 0]) for image, code in zip(restored, provenance, strict=True)], LEGEND),
    ]
    step = 256 // LEVELS
    picture = np.vstack(rows) // step * step + step // 2
    cv2.imwrite(str(args.output), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    shares = ", ".join(f"{share:.1%} {name}" for name, share in report["provenance"].items())
    print(f"{args.output}: {args.output.stat().st_size // 1024} KB; {shares}")


if __name__ == "__main__":
    main()
