"""Fits the discriminant of `restore/models/softness.py`, and tells how well it parts blurred frames from others; and
what `restore/deconvolution/likely.py` knows of the spectra of sharp ones.

    python -m benchmarks.softness CLIPS [CLIPS ...] [--held_out 0.15]

Of each clip or photograph one frame: as it is and compressed on one side; blurred on the other, by a Gaussian, a disc
or along a path, and one of these compressed a little. Frames that were scaled down and up again are on neither side.
Prints the constants, the greatest logit of frames that are not blurred, and the share of blurred ones above
`BLURRED`, for what was held out.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restore.deconvolution.likely import shapes
from restore.deconvolution.sharpened import BLURRED, SHARP
from restore.degradations.blur import defocus, motion_blur, out_of_focus
from restore.degradations.low_resolution import enlarged, shrunk
from restore.models.softness import RINGS, log_spectrum
from restore.tensors import to_float, to_uint8
from restore.training.photos import read_photo
from restore.video.clip import read_clip
from restore.video.files import files_in, is_image, is_video
from restore.video.recode import recoded

FRAMES = 4  # of a clip: what a codec makes of one that follows others
CROP = 320, 240
DECAY = 1e-3  # of the weights


def blurs(clip: Tensor, angle: float) -> dict[str, Tensor]:
    """A clip `T 3 H W`, blurred."""
    ones = torch.ones(len(clip))
    gaussian = {f"Gaussian, sigma {s}": defocus(clip[None], torch.tensor([s]))[0] for s in (0.8, 1.0, 1.4, 2.0, 3.0)}
    discs = {f"disc, radius {r}": out_of_focus(clip, r) for r in (2.0, 4.0)}
    paths = {f"path, {n:.0f} px": motion_blur(clip, n * ones, angle * ones) for n in (5.0, 9.0)}
    return gaussian | discs | paths


def variants(clip: np.ndarray, angle: float) -> dict[str, np.ndarray]:
    """A clip uint8 `T H W 3` as it is and degraded, by the name of what was done; the blurred ones hold `blurred`."""
    x, size = to_float(clip), (clip.shape[1], clip.shape[2])
    results = {"nothing": clip}
    results |= {f"H.264, CRF {q}": recoded(clip, encoder="libx264", quality=q) for q in (24, 28, 35)}
    results |= {f"scaled by {s}": to_uint8(enlarged(shrunk(x, s), size)) for s in (0.8, 0.5)}
    for name, picture in blurs(x, angle).items():
        results[f"blurred: {name}"] = to_uint8(picture)
    results["blurred: Gaussian, sigma 1.4, and H.264, CRF 24"] = recoded(
        to_uint8(defocus(x[None], torch.tensor([1.4]))[0]), encoder="libx264", quality=24
    )
    return results


def spectra(paths: list[Path]) -> dict[str, Tensor]:
    """`N 16` for each variant."""
    rings: dict[str, list[Tensor]] = {}
    for number, path in enumerate(paths):
        frames = read_photo(path)[None].repeat(FRAMES, 0) if is_image(path) else read_clip(path, 0, FRAMES)
        frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2][:, : CROP[1], : CROP[0]]
        for name, clip in variants(frames, math.pi * (number * 0.618 % 1)).items():
            last = to_float(clip[-1:])
            rings.setdefault(name, []).append(log_spectrum(last, torch.zeros_like(last[:, :1], dtype=torch.bool)))
    return {name: torch.cat(parts) for name, parts in rings.items()}


def fitted(rings: dict[str, Tensor]) -> tuple[float, Tensor]:
    """Offset and weights of a logistic regression in which both sides weigh alike."""
    known = {name: x[x.isfinite().all(1)] for name, x in rings.items() if "scaled" not in name}
    sides = [torch.cat([x for name, x in known.items() if ("blurred" in name) == side]) for side in (False, True)]
    mean, spread = sides[0].mean(0), sides[0].std(0)
    points = [((side - mean) / spread).double() for side in sides]
    parameters = torch.zeros(1 + RINGS, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = [x @ parameters[1:] + parameters[0] for x in points]
        losses = torch.nn.functional.softplus(logits[0]).mean() + torch.nn.functional.softplus(-logits[1]).mean()
        total: Tensor = losses + DECAY * parameters[1:].square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    for _ in range(4):
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    weights = (parameters[1:].detach() / spread).float()
    return float(parameters[0].detach() - (weights * mean).sum()), weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--held_out", type=float, default=0.15)
    parser.add_argument("--most", type=int, default=420, help="clips")
    settings = parser.parse_args()
    paths = [path for folder in settings.clips for path in files_in(folder) if is_image(path) or is_video(path)]
    order = np.random.default_rng(0).permutation(len(paths))[: settings.most]
    held = round(settings.held_out * len(order))
    rings, others = (
        spectra([paths[i] for i in part]) for part in (order[: len(order) - held], order[len(order) - held :])
    )
    offset, weights = fitted(rings)
    print(f"OFFSET = {offset:.2f}\nWEIGHTS = ({', '.join(f'{weight:.2f}' for weight in weights)})")
    sharp = rings["nothing"][rings["nothing"].isfinite().all(1)].double().numpy()
    fits = (sharp - sharp.mean(0)) @ np.linalg.pinv(shapes()).T
    print(f"MEAN = {sharp.mean(0).round(2).tolist()}\nSHAPES = {np.cov(fits.T).round(3).tolist()}")
    print("| | median | least | greatest | above SHARP, % | above BLURRED, % |\n|---|---|---|---|---|---|")
    for name, x in others.items():
        logits = (offset + x @ weights).nan_to_num(-torch.inf)
        shares = " | ".join(f"{100 * (logits > limit).float().mean():.1f}" for limit in (SHARP, BLURRED))
        print(f"| {name} | {logits.median():.1f} | {logits.min():.1f} | {logits.max():.1f} | {shares} |")


if __name__ == "__main__":
    main()
