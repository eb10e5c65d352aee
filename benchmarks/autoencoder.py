"""How much of a video do the refiner's latents preserve: cells of which size, with how many channels?

    python -m benchmarks.autoencoder TRAINING_CLIPS CLIPS [--vae saved_models/refiner/vae]

PSNR in dB of frames of CLIPS, encoded and decoded: by the best linear code that the training clips give, which is where
a training begins, for the shapes to choose from; and by a trained autoencoder. Numbers a pixel: the latents' size.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restore.models.autoencoder import (
    Autoencoder,
    build_autoencoder,
    decode,
    downsampling,
    encode,
    start_as_principal_components,
)
from restore.models.pretrained import load_autoencoder
from restore.scoring.psnr import psnr
from restore.tensors import pad_to_multiple, to_float, to_uint8
from restore.video.clip import read_clip
from restore.video.files import find_videos

SHAPES = (8, 4), (8, 16), (4, 4), (4, 8)  # pixels a side of a cell, channels


def frames(folder: Path) -> list[np.ndarray]:
    """The first and the seventh frame of each clip, uint8 `T H W 3`."""
    return [read_clip(path, 0, 7)[::6] for path in find_videos(folder)]


@torch.no_grad()
def score(vae: Autoencoder, clips: list[np.ndarray]) -> float:
    def there_and_back(clip: np.ndarray) -> np.ndarray:
        height, width = clip.shape[1:3]
        padded: Tensor = pad_to_multiple(to_float(clip), downsampling(vae))
        return to_uint8(decode(vae, encode(vae, padded))[..., :height, :width])

    return float(np.mean([np.mean([psnr(a, b) for a, b in zip(there_and_back(x), x, strict=True)]) for x in clips]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training_clips", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--vae", default="saved_models/refiner/vae")
    args = parser.parse_args()
    clips, training = frames(args.clips), frames(args.training_clips)
    side = [min(clip.shape[axis] for clip in training) // 8 * 8 for axis in (1, 2)]
    given = to_float(np.concatenate([clip[:, : side[0], : side[1]] for clip in training]))
    print("| autoencoder | cell | channels | numbers a pixel | PSNR |\n|---|---|---|---|---|")
    for cell, channels in SHAPES:
        vae = build_autoencoder(latent_channels=channels, downsampling=cell, width=64)
        start_as_principal_components(vae, given)
        print(
            f"| linear | {cell}x{cell} | {channels} | {channels / cell**2:.4f} | {score(vae, clips):.2f} |", flush=True
        )
    trained = load_autoencoder(args.vae)
    cell, channels = downsampling(trained), trained.config.latent_channels
    print(f"| trained | {cell}x{cell} | {channels} | {channels / cell**2:.4f} | {score(trained, clips):.2f} |")


if __name__ == "__main__":
    main()
