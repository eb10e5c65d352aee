"""How bright `--light auto` makes dark scenes, and whether it leaves others alone; no network computes anything here.

    python -m benchmarks.light CLIPS [CLIPS ...] [--frames 16]

Each clip is scaled to 320x240, and darkened, made noisy and recorded as in `benchmarks/dark.py`. By the share of the
light that is left: how many clips were given light at all, by how much their mean luma is off, in % of the clean
clip's (mean of the absolute values, mean), and its flicker: the standard deviation over the frames, with the clip's
first frame again and again, in levels. Then a tenth of the light with a colour cast of the strength stated, which the
gains of R, G and B differ from their mean by at most (natural logarithm): what is left of it. Last, of the clips as
they are, the medians that `restore/light/measure.py` has as constants.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.dark import darkened, lumas, scaled
from restore.frame import Frame
from restore.light.curve import GAMMA, Light
from restore.light.lit import lit
from restore.light.measure import QUANTILES, brightest
from restore.scenes import thumbnail
from restore.video.files import find_videos

SHARES = 1.0, 0.2, 0.1, 0.05, 0.02
CASTS = 0.0, 0.2, 0.4, 0.6
BRIGHT_ENOUGH = 50  # mean level from which a clip is called well-lit, to fit the constants


def automatic(clip: np.ndarray) -> tuple[np.ndarray, list[Light]]:
    """A clip as `--light auto` makes it, and the light of each frame."""
    unhidden = np.zeros(clip.shape[1:3], np.float32)
    frames = list(lit((Frame(image, mask=unhidden) for image in clip), "auto"))
    return np.stack([frame.image for frame in frames]), [frame.light or Light() for frame in frames]


def by_share(clips: list[np.ndarray], share: float) -> str:
    """One row of the first table."""
    lighter, off, flickers = [], [], []
    for seed, clean in enumerate(clips):
        still = clean[:1].repeat(len(clean), 0)
        dark, dark_still = (darkened(x, share, seed) if share < 1 else x for x in (clean, still))
        image, lights = automatic(dark)
        lighter.append(any(light.changes for light in lights))
        off.append(100 * (lumas(image).mean() / lumas(clean).mean() - 1))
        flickers.append(lumas(automatic(dark_still)[0]).std())
    wrong = f"{np.abs(off).mean():.1f} | {np.mean(off):+.1f} | {np.abs(off).max():.1f}"
    return f"| {share:g} | {sum(lighter)} of {len(clips)} | {wrong} | {np.mean(flickers):.2f} | {max(flickers):.2f} |"


def by_cast(clips: list[np.ndarray], strength: float) -> str:
    """One row of the second table."""
    left, touched, random = [], 0, np.random.default_rng(0)
    for seed, clean in enumerate(clips):
        cast = random.normal(size=3)
        cast -= cast.mean()
        cast *= strength / np.abs(cast).max()
        tinted = np.rint(clean * np.exp(cast / GAMMA - cast.max() / GAMMA)).astype(np.uint8)
        balance = np.log(automatic(darkened(tinted, 0.1, seed))[1][-1].balance)
        touched += bool(balance.any())
        left.append(np.abs(cast + balance - balance.mean()).max())
    return f"| {strength:g} | {np.mean(left):.3f} | {touched} of {len(clips)} |"


def fitted(clips: Iterable[np.ndarray]) -> str:
    """The constants of `measure.py`, and the spread of the natural logarithm of each."""
    pairs = []
    for clip in clips:
        if clip[0].mean() >= BRIGHT_ENOUGH:
            small = thumbnail(Frame(clip[0]))
            tiles = brightest((small.picture / 255) ** GAMMA, small.visible)
            pairs.append(np.quantile(tiles.max(1), QUANTILES))
    medians, spread = np.median(pairs, 0), np.log(pairs).std(0)
    return ", ".join(f"{median:.2f} (spread {wide:.2f})" for median, wide in zip(medians, spread, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=16)
    settings = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [scaled(path, settings.frames) for folder in settings.clips for path in find_videos(folder)]
    columns = ["light left", "lit", "off by, %", "mean, %", "worst, %", "flicker, levels", "worst"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for share in SHARES:
        print(by_share(clips, share), flush=True)
    print("\n| cast | left of it | colours changed |\n|---|---|---|")
    for strength in CASTS:
        print(by_cast(clips, strength), flush=True)
    print(f"\nWHITE, BRIGHT: {fitted(clips)}")


if __name__ == "__main__":
    main()
