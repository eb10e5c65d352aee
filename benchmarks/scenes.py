"""How well the ends of scenes are found: cuts that are missed, cuts that are none, and what a decision costs.

    python -m benchmarks.scenes DATA [--every 1]

DATA holds folders of clips; those that are not there are left out. Missed cuts: the last frame of each clip of
`clips/val` is followed by the first frame of each other, bare and behind a static grey box that hides 20, 40 and 60 %
of both, at five places, sharp or blurred with noise of sigma 15; 12 of the 153 pairs are of one scene (the same person
before the same camera) and are counted apart. False cuts: all consecutive frames of each folder, bare and behind a
static box with blur and noise; the cuts that the clips truly hold, found by eye, are left out.

For comparison: the correlation of thumbnails of 16x12 below 0.5, and PySceneDetect's ContentDetector (mean of the
absolute differences of hue, saturation and value of at least 27; Castellano, https://www.scenedetect.com). Neither
knows of masks.

Missed of the pairs of two scenes, and found in pairs of one scene, which are no cuts:

| box | pairs | scenes | correlation | ContentDetector | one scene: pairs | scenes | correlation | ContentDetector |
|---|---|---|---|---|---|---|---|---|
| none | 141 | 0 | 5 | 0 | 12 | 0 | 3 | 11 |
| none, noisy | 141 | 0 | 4 | 0 | 12 | 0 | 3 | 12 |
| 20 % | 705 | 0 | 37 | 4 | 60 | 0 | 20 | 44 |
| 20 %, noisy | 705 | 0 | 35 | 0 | 60 | 0 | 20 | 60 |
| 40 % | 705 | 0 | 57 | 13 | 60 | 2 | 15 | 25 |
| 40 %, noisy | 705 | 0 | 58 | 0 | 60 | 1 | 15 | 60 |
| 60 % | 705 | 0 | 136 | 149 | 60 | 12 | 11 | 6 |
| 60 %, noisy | 705 | 0 | 138 | 0 | 60 | 11 | 11 | 60 |

False cuts between consecutive frames, bare / behind a box and noisy, each sixth clip:

| folder | pairs | scenes | correlation | ContentDetector |
|---|---|---|---|---|
| clips/train | 1181 | 0 / 1 | 2 / 2 | 5 / 1123 |
| clips/val | 143 | 0 / 0 | 0 / 0 | 0 / 143 |

The false one is of a clip of 5 frames a second behind a box of 40 %.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from time import process_time

import cv2
import numpy as np

from restore.frame import Frame
from restore.scenes import is_cut, thumbnail
from restore.video.reader import VideoReader

WIDTH, HEIGHT = 320, 240
SHARES = 0.2, 0.4, 0.6
PLACES = (0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)  # shares of the room above and left of the box
FOLDERS = "clips/train", "clips/val", "more/clips", "more/val", "object_removal", "real"
# Clips of `clips/val` that are pieces of one scene.
ONE_SCENE = (
    {"v_000002", "v_000004", "v_000006", "v_ApplyEyeMakeup_g01_c01"},
    {"v_000012", "v_000014", "v_000016"},
    {"v_000018", "v_000020", "v_000022"},
)
# Frames that begin a scene, found by eye: cuts, one dissolve (74 to 78), and one jump cut (20).
TRUE_CUTS = {
    "v_Film_test_sample13_c01": {80},
    "v_Film_test_sample13_c02": {77},
    "v_Film_test_sample13_c03": {15, 62},
    "v_Portrait_test2_c01": {20, 42, 90},
    "v_Driving_running_car_c03": {74, 75, 76, 77, 78},
}

Rule = Callable[[Frame, Frame], bool]


def correlation(now: Frame, previous: Frame) -> bool:
    a, b = (cv2.resize(x.luma, (16, 12), interpolation=cv2.INTER_AREA).astype(np.float32) for x in (now, previous))
    a, b = a - a.mean(), b - b.mean()
    noise = 4.0 * a.size
    return bool(((a * b).sum() + noise) / np.sqrt((np.square(a).sum() + noise) * (np.square(b).sum() + noise)) < 0.5)


def content_detector(now: Frame, previous: Frame) -> bool:
    a, b = (cv2.cvtColor(x.image, cv2.COLOR_RGB2HSV) for x in (now, previous))
    return sum(cv2.mean(cv2.absdiff(a, b))[:3]) / 3 >= 27


RULES: dict[str, Rule] = {"scenes": is_cut, "correlation": correlation, "ContentDetector": content_detector}


def read(path: Path) -> Iterator[np.ndarray]:
    with VideoReader(path) as reader:
        for frame in reader:
            yield frame.image


def box(height: int, width: int, share: float, place: tuple[float, float]) -> np.ndarray:
    """float32 `H W`, 1 in a box of the picture's shape that covers `share` of it."""
    rows, columns = round(height * share**0.5), round(width * share**0.5)
    top, left = round(place[0] * (height - rows)), round(place[1] * (width - columns))
    mask = np.zeros((height, width), np.float32)
    mask[top : top + rows, left : left + columns] = 1
    return mask


def behind(image: np.ndarray, mask: np.ndarray, generator: np.random.Generator | None) -> Frame:
    """A frame behind a grey box; with a generator, blurred and noisy as well."""
    hidden = image if generator is None else cv2.GaussianBlur(image, (7, 7), 1.4)
    hidden = np.where(mask[..., None] > 0, np.uint8(128), hidden)
    if generator is not None:
        noise = generator.standard_normal(image.shape, np.float32) * 15
        hidden = np.clip(hidden + noise, 0, 255).round().astype(np.uint8)
    return Frame(hidden, mask=mask)


def missed(data: Path) -> None:
    """Print what share of the cuts between clips is missed."""
    ends: dict[str, list[np.ndarray]] = {}
    for path in clips(data / "clips/val"):
        images = list(read(path))
        ends[path.stem] = [
            cv2.resize(x, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for x in (images[0], images[-1])
        ]
    pairs = list(combinations(sorted(ends), 2))
    one_scene = {pair for pair in pairs if any(set(pair) <= scene for scene in ONE_SCENE)}
    generator = np.random.default_rng(0)
    print(f"{len(pairs)} pairs, of which {len(one_scene)} are of one scene\n\n| cuts | box | pairs | ", end="")
    print(" | ".join(RULES) + " |\n" + "|---" * (3 + len(RULES)) + "|")
    for kind, chosen in ("missed", [p for p in pairs if p not in one_scene]), ("found in one scene", sorted(one_scene)):
        for share in (0, *SHARES):
            for noisy in (False, True):
                found: Counter[str] = Counter()
                total = 0
                for before, after in chosen:
                    for place in PLACES if share else PLACES[:1]:
                        mask = box(HEIGHT, WIDTH, share, place)
                        now = behind(ends[after][0], mask, generator if noisy else None)
                        previous = behind(ends[before][1], mask, generator if noisy else None)
                        total += 1
                        for name, rule in RULES.items():
                            found[name] += rule(now, previous) == (kind != "missed")
                cells = kind, (f"{share:.0%}" if share else "none") + (", noisy" if noisy else ""), total
                print("| " + " | ".join(map(str, (*cells, *(found[name] for name in RULES)))) + " |", flush=True)


def false(data: Path, every: int) -> None:
    """Print how many consecutive frames are taken for a cut."""
    print("\n| folder | clips | pairs | " + " | ".join(f"{name}, bare | behind a box, noisy" for name in RULES) + " |")
    print("|---" * (3 + 2 * len(RULES)) + "|")
    listed = []
    for folder in FOLDERS:
        generator, found, pairs = np.random.default_rng(0), Counter[tuple[str, bool]](), 0
        chosen = clips(data / folder)[::every]
        for number, path in enumerate(chosen):
            share, place = SHARES[number % len(SHARES)], PLACES[number % len(PLACES)]
            for index, (previous, now) in enumerate(pairwise(both(path, share, place, generator)), 1):
                true = index in TRUE_CUTS.get(path.stem, ())
                pairs += not true
                for name, rule in RULES.items():
                    for hidden in (False, True):
                        cut = rule(now[hidden], previous[hidden])
                        found[name, hidden] += cut and not true
                        if cut and name == "scenes":
                            listed.append(f"{folder}/{path.name}, frame {index}, {'box' if hidden else 'bare'}: {true}")
        counts = [str(found[name, hidden]) for name in RULES for hidden in (False, True)]
        if chosen:
            print(f"| {folder} | {len(chosen)} | {pairs} | " + " | ".join(counts) + " |", flush=True)
    print("\nCuts that `restore/scenes.py` found, and whether they are true:", *listed, sep="\n")


def both(
    path: Path, share: float, place: tuple[float, float], generator: np.random.Generator
) -> Iterator[tuple[Frame, Frame]]:
    for image in read(path):
        yield Frame(image), behind(image, box(image.shape[0], image.shape[1], share, place), generator)


def clips(folder: Path) -> list[Path]:
    """Videos in the folder and its subfolders, without masks."""
    return sorted(x for x in folder.rglob("*.*") if x.suffix in (".mp4", ".avi") and not x.stem.endswith("_mask"))


def cost(data: Path) -> None:
    """Print the least CPU time of a decision, thumbnail included."""
    images = [cv2.resize(next(read(path)), (WIDTH, HEIGHT)) for path in clips(data / "clips/val")[:2]]
    mask = box(HEIGHT, WIDTH, 0.2, (0.5, 0.5))
    print("\n| decision | ms |\n|---|---|")
    for name, pair, factor in (
        ("without motion", [images[0]] * 2, 1),
        ("with motion", images, 1),
        ("1080p", images, 4.5),
    ):
        size = round(WIDTH * factor * 4 / 3) if factor > 1 else WIDTH, round(HEIGHT * factor)
        frames = [Frame(cv2.resize(x, size), mask=cv2.resize(mask, size)) for x in pair]
        previous = thumbnail(frames[1])
        times = []
        for _ in range(50):
            start = process_time()
            is_cut(frames[0], previous)
            times.append(1000 * (process_time() - start))
        print(f"| {name} | {min(times):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="of the clips, for false cuts: each, each second, ...")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    missed(args.data)
    false(args.data, args.every)
    cost(args.data)


if __name__ == "__main__":
    main()
