"""Is what `--confidence` says true? Of the pixels of one confidence, how many are within 8 levels of the clean clip.

    python -m benchmarks.confidence CLIPS [MORE_CLIPS] [--every 1] [--first 0] [--frames 12] [--fit TRAINING_CLIPS ...]

Each clip is scaled to a width of 320 at most, and degraded in four ways, masks given: behind grey boxes that are
static, move, are drawn anew for each frame, or one that is heavy, each with the seed's blur and noise, with others, or
with neither, in turn; and by noise alone (sigma 5, 15 or 30) or by H.264 (CRF 28 or 35) alone. The table has one row a
tenth of the confidence: the mean confidence of its pixels, and how many of them are right, in %; for each provenance.
`--fit` prints the weights of `restore/propagation/confidence.py` that fit other clips best.
"""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from benchmarks.harm import noisy
from restore.degradations.degrade import Range, Ranges, degrade
from restore.frame import Frame
from restore.models.generator import Estimate, GatedGenerator
from restore.pipeline import Restorer
from restore.propagation.confidence import CLOSE, contrast_feature, copy_features, fill_features, visible_features
from restore.propagation.engine import Propagation
from restore.propagation.evidence import Evidence
from restore.propagation.provenance import COPIED, FILLED, NAMES, SEEN
from restore.scenes import with_scenes
from restore.shipped import WEIGHTS
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos
from restore.video.recode import recoded

WIDTH = 320
MOTIONS = "static", "moving", "random", "heavy"
NOTHING = Range(0, 0, 0)
STRENGTHS = (
    Ranges(typical_share=1, compressed_share=0),
    Ranges(typical_share=0),
    Ranges(typical_share=1, compressed_share=0, blur=NOTHING, noise=NOTHING),
)
SIGMAS, CRFS = (5, 15, 30), (28, 35)
DRAWN = 400  # pixels of a frame and a provenance that are looked at
FEWEST = 1000  # pixels of a row of the table


class Case(NamedTuple):
    """A clip, its degraded version, both uint8 `T H W 3`, and the mask, float32 `T H W`."""

    clean: np.ndarray
    degraded: np.ndarray
    mask: np.ndarray


def scaled(path: Path, frames: int) -> np.ndarray:
    clip = read_clip(path, 0, frames)
    if clip.shape[2] <= WIDTH:
        return clip
    size = WIDTH, round(clip.shape[1] * WIDTH / clip.shape[2] / 2) * 2
    return np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in clip])


def cases(clean: np.ndarray, index: int) -> Iterator[Case]:
    for number, motion in enumerate(MOTIONS):
        generator = torch.Generator().manual_seed(5000 + 7 * index + number)
        ranges = STRENGTHS[(index + number) % len(STRENGTHS)]
        degraded, mask = degrade(to_float(clean)[None], generator=generator, ranges=ranges, kind=motion)
        yield Case(clean, to_uint8(degraded[0]), mask[0, :, 0].numpy())
    turn, again = index % 4, index // 4
    if turn < len(SIGMAS):
        alone = noisy(clean, SIGMAS[turn], index)
    else:
        alone = recoded(clean, encoder="libx264", quality=CRFS[again % len(CRFS)])
    yield Case(clean, alone, np.zeros(clean.shape[:3], np.float32))


def right(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """bool `H W`, which pixels are close to the clean ones."""
    return np.asarray(np.abs(image.astype(np.float32) - clean).mean(-1) <= CLOSE)


def some(where: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """At most `DRAWN` of the pixels of a bool `H W`: another."""
    places = np.flatnonzero(where)
    chosen = np.zeros(where.size, bool)
    chosen[draw.choice(places, min(DRAWN, len(places)), replace=False)] = True
    return chosen.reshape(where.shape)


def evidence_of(case: Case) -> Iterator[Evidence]:
    propagation = Propagation(*case.mask.shape[1:])
    frames = (Frame(image, mask=mask) for image, mask in zip(case.degraded, case.mask, strict=True))
    for frame in with_scenes(frames):
        yield from propagation.push(frame)
    yield from propagation.flush()


def fit(features: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The weights of the logistic regression, by Newton's method: features `N F`, bool `N` => `F`."""
    weights = np.zeros(features.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(features @ weights, -50, 50)))
        curvature = (features * (p * (1 - p))[:, None]).T @ features + 1e-3 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, features.T @ (truth - p))
    return weights


@contextmanager
def recorded(generator: GatedGenerator) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
    """`log_level` and `gate` of each frame that it estimates from now on, `H W`."""
    planes: list[tuple[np.ndarray, np.ndarray]] = []
    estimate = generator.estimate

    def recording(evidence: torch.Tensor) -> Estimate:
        found = estimate(evidence)
        planes.extend(zip(*found.planes(), strict=True))
        return found

    generator.estimate = recording  # type: ignore[method-assign]
    try:
        yield planes
    finally:
        del generator.estimate


def fitted(restorer: Restorer, clips: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """The weights by name, of these clips."""
    generator, draw = restorer.generator, np.random.default_rng(0)
    assert isinstance(generator, GatedGenerator), "it estimates errors"
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"OF_VISIBLE": [], "OF_COPIES": [], "OF_FILLED": []}
    for case in (case for index, clip in enumerate(clips) for case in cases(clip, index)):
        with recorded(generator) as planes:
            images = [one.image for one in restorer.restore_frames(case.degraded, case.mask)]
        for one, image, clean, (log_level, gate) in zip(evidence_of(case), images, case.clean, planes, strict=True):
            truth = right(image, clean)
            chosen = some(~one.frame.hidden & (gate > 0), draw)
            found["OF_VISIBLE"].append((visible_features(log_level[chosen]), truth[chosen]))
            if one.frame.has_hidden:
                copied, unseen = some(one.copied, draw), one.frame.hidden & ~one.copied
                features = copy_features(one.past, one.future, copied), contrast_feature(image, copied)[:, None]
                found["OF_COPIES"].append((np.concatenate(features, 1), truth[copied]))
                chosen = some(unseen, draw)
                features = fill_features(unseen)[chosen[unseen]], contrast_feature(image, chosen)[:, None]
                found["OF_FILLED"].append((np.concatenate(features, 1), truth[chosen]))
    return {name: fit(*map(np.concatenate, zip(*pairs, strict=True))) for name, pairs in found.items()}


def stated(restorer: Restorer, clips: Iterable[np.ndarray]) -> dict[int, np.ndarray]:
    """By provenance, of its pixels: the confidence, in [0, 1], and whether they are right, float `2 N`."""
    draw = np.random.default_rng(0)
    found: dict[int, list[np.ndarray]] = {SEEN: [], COPIED: [], FILLED: []}
    for index, clip in enumerate(clips):
        for case in cases(clip, index):
            for one, clean in zip(restorer.restore_frames(case.degraded, case.mask), case.clean, strict=True):
                truth = right(one.image, clean)
                for code, pixels in found.items():
                    chosen = some(one.provenance == code, draw)
                    pixels.append(np.stack([one.confidence[chosen] / 255, truth[chosen]]))
    return {code: np.concatenate(pixels, 1) for code, pixels in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--fit", type=Path, nargs="+", default=[])
    parser.add_argument("--every", type=int, default=1, help="take each such clip only")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--frames", type=int, default=12)
    settings = parser.parse_args()
    restorer = Restorer.from_pretrained(settings.weights)

    def clips(folders: list[Path]) -> Iterator[np.ndarray]:
        paths = [path for folder in folders for path in find_videos(folder)]
        return (scaled(path, settings.frames) for path in paths[settings.first :: settings.every])

    if settings.fit:
        for name, weights in fitted(restorer, clips(settings.fit)).items():
            print(f"{name} = np.array([{', '.join(f'{weight:.3f}' for weight in weights)}])")
        return
    found = stated(restorer, clips(settings.clips))
    print("| confidence, % | " + " | ".join(f"{NAMES[code]}: said | right" for code in found) + " |")
    print("|---" * (1 + 2 * len(found)) + "|")
    for tenth in range(10):
        cells = []
        for said, truth in found.values():
            inside = (said * 10).astype(int).clip(max=9) == tenth
            cells += [f"{100 * x[inside].mean():.1f}" if inside.sum() > FEWEST else "" for x in (said, truth)]
        print(f"| {10 * tenth} to {10 * tenth + 10} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
