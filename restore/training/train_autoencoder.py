"""The autoencoder's training: encode, decode, compare with the clean frames."""

import copy
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from restore.models.autoencoder import (
    SPREAD,
    decode,
    downsampling,
    encode,
    normalise,
    raw_frames,
    raw_latents,
    start_as_principal_components,
)
from restore.models.pretrained import save_part
from restore.scoring.psnr import psnr
from restore.tensors import to_uint8
from restore.training.config import AutoencoderConfig
from restore.training.data import collate
from restore.training.feed import Feed, clean_windows, first_windows, normalised
from restore.training.grid import grid
from restore.training.learner import Learner
from restore.training.losses import gradient_loss, moment_loss, reconstruction_loss

SAMPLES = 64  # videos, a frame of each, that are validated on, and that decide where to begin
SIDE = 192  # px of those frames: as much of a common video as fits into a crop of any downsampling


class BothWays(nn.Module):
    """Frames `N 3 H W` => their latents and the frames decoded from them. The model's own `forward` quantises."""

    def __init__(self, vae: AutoencoderTiny) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        latents = raw_latents(self.vae, frames)
        return latents, raw_frames(self.vae, latents)


class AutoencoderTraining:
    """See `run.Training`."""

    name, pictures = "autoencoder", "decoded clean"

    def __init__(
        self,
        config: AutoencoderConfig,
        vae: AutoencoderTiny,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.accelerator = config, accelerator
        self.held = _some_frames(held_out, downsampling(vae), config.seed).to(accelerator.device)
        self.windows = clean_windows(config, videos)
        self.feed = Feed.of(config, self.windows, collate, accelerator)
        self.steps = self.feed.steps
        if not config.init_from:
            start_as_principal_components(vae, _some_frames(videos, downsampling(vae), config.seed))
        vae = vae.train().to(memory_format=torch.channels_last)
        self.learner = Learner(
            vae,
            torch.optim.Adam(vae.parameters(), lr=config.learning_rate),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
            forward=BothWays(vae),
        )
        self.learners = {"autoencoder": self.learner}

    def batches(self, first: int) -> Generator[Tensor, None, None]:
        for _, batch in self.feed.batches(first):
            yield normalised(batch["clips"].flatten(0, 1), self.accelerator.device)  # N 3 H W

    def step(self, step: int, batch: Tensor) -> dict[str, Tensor]:
        config = self.config
        with self.accelerator.accumulate(self.learner.model):
            latents, decoded = self.learner.model(batch.contiguous(memory_format=torch.channels_last))
            terms = {
                "l1": reconstruction_loss(decoded.float(), batch),
                "gradient": gradient_loss(decoded.float(), batch),
                "moment": moment_loss(latents.float(), spread=SPREAD),
            }
            self.learner.learn(
                config.l1_weight * terms["l1"]
                + config.gradient_weight * terms["gradient"]
                + config.moment_weight * terms["moment"]
            )
        return terms

    @torch.no_grad()
    def validate(self) -> tuple[dict[str, float], Tensor]:
        """PSNR in dB of frames encoded and decoded, and a grid: decoded and clean in a row."""
        vae = self.learner.average
        with self.accelerator.autocast():
            decoded = decode(vae, encode(vae, self.held)).clamp(-1, 1)
        pairs = zip(to_uint8(decoded), to_uint8(self.held), strict=True)
        return {"psnr": float(np.mean([psnr(got, wanted) for got, wanted in pairs]))}, grid(decoded, self.held)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        return {Path(self.config.output_dir): self._write}

    @torch.no_grad()
    def _write(self, folder: Path) -> None:
        """With the scale that gives the latents of held-out frames unit variance."""
        vae = copy.deepcopy(self.learner.average)
        latents = encode(vae, self.held)
        normalise(vae, mean=float(latents.mean()), std=float(latents.std()))
        save_part(vae, folder)


def _some_frames(videos: list[Path], multiple: int, seed: int) -> Tensor:
    """A crop of a frame of each of at most 64 videos, evenly chosen, `N 3 H W` in [-1, 1]."""
    side = SIDE // multiple * multiple
    chosen = videos[:: -(-len(videos) // SAMPLES)]
    return normalised(first_windows(chosen, frames=1, crop=(side, side), seed=seed)[:, 0], torch.device("cpu"))
