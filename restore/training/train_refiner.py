"""The refiner's training (latent diffusion, v-prediction, Salimans & Ho 2022): noise, denoise, compare.

What is known has no noise, as it will be when sampling (TD-Paint, Mayet et al. 2024).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from restore.models.denoiser import denoise
from restore.models.noise_schedule import NOISE
from restore.models.pretrained import save_part
from restore.refinement.refiner import RefinerPipeline
from restore.training.config import RefinerConfig
from restore.training.data import collate
from restore.training.feed import Feed, clean_windows
from restore.training.initial_latent import InitialRefiner
from restore.training.learner import Learner
from restore.training.losses import diffusion_loss
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, LatentClips, coarse_clips, latent_clips, partly_known
from restore.training.ring import Ring
from restore.training.validate_refiner import held_out_clips, measure
from restore.video.prefetch import prefetch

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@dataclass(frozen=True)
class RefinerClips:
    """What one step learns from: pictures and their latents."""

    pictures: CoarseClips
    latents: LatentClips


class RefinerTraining:
    """See `run.Training`."""

    name, pictures = "refiner", "coarse refined clean"

    def __init__(
        self,
        config: RefinerConfig,
        initial: InitialRefiner,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.accelerator, self.videos = config, accelerator, held_out
        self.held: CoarseClips | None = None  # made when first needed: most runs validate only later
        self.windows = clean_windows(config, videos)
        self.feed = Feed.of(config, self.windows, collate, accelerator)
        self.steps = self.feed.steps * config.reuse
        self.vae, self.generator = (_frozen(model).to(accelerator.device) for model in (initial.vae, initial.generator))
        self.learner = self._learner(initial.denoiser.train())
        self.learners = {"denoiser": self.learner}
        self.noise = DDPMScheduler(**NOISE)
        self.alphas_cumprod = self.noise.alphas_cumprod.to(accelerator.device)
        # Fused attention is slow backwards on a CPU: over a few frames, the plain one takes two thirds of the time.
        self.attention = [SDPBackend.MATH] if accelerator.device.type == "cpu" else FUSED

    def _learner(self, network: nn.Module) -> Learner:
        config = self.config
        return Learner(
            network,
            torch.optim.AdamW((x for x in network.parameters() if x.requires_grad), lr=config.learning_rate),
            self.accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
        )

    def batches(self, first: int) -> Generator[RefinerClips, None, None]:
        yield from prefetch(self._clips(first), depth=2)

    def _clips(self, first: int) -> Generator[RefinerClips, None, None]:
        """Runs in a thread, ahead of the training."""
        config, device = self.config, self.accelerator.device
        ring = Ring(config.memory, device) if config.reuse > 1 else None  # after a stop it fills anew
        for number, batch in self.feed.batches(first // config.reuse):
            draw = seeded(config.seed, 2, self.accelerator.process_index, number)
            hidden = config.hidden_least, config.hidden_most
            pictures = coarse_clips(
                batch["clips"], self.generator, hidden=hidden, draw=draw, accelerator=self.accelerator
            )
            with self.accelerator.autocast():
                clips = RefinerClips(pictures, latent_clips(pictures, self.vae))
            if ring is None:
                yield clips
                continue
            ring.add(as_held(clips))
            for step in range(max(first, number * config.reuse), (number + 1) * config.reuse):
                draw = seeded(config.seed, 5, self.accelerator.process_index, step)
                yield as_drawn(ring.draw(config.batch_size, generator=draw))

    def step(self, step: int, batch: RefinerClips) -> dict[str, Tensor]:
        config = self.config
        draw = seeded(config.seed, 3, self.accelerator.process_index, step)
        clips = partly_known(batch.latents, coarse_share=config.coarse_share, known_share=config.known_share, draw=draw)
        count, device = len(clips.clean), clips.clean.device
        # Little noise is drawn more often than much: that is where the walk from a coarse fill takes place.
        timesteps = (torch.rand(count, generator=draw) ** 2 * self.noise.config.num_train_timesteps).long().to(device)
        noise = shared_noise(clips.clean, draw)
        noisy = torch.where(clips.hidden > 0, self.noise.add_noise(clips.clean, noise, timesteps), clips.draft)
        velocity = self.noise.get_velocity(clips.clean, noise, timesteps)

        # Denoise and compare.
        with self.accelerator.accumulate(self.learner.model), sdpa_kernel(self.attention):
            with self.accelerator.autocast():
                predicted = denoise(self.learner.model, noisy, timesteps, clips.hidden, clips.condition)
            loss = diffusion_loss(
                predicted, velocity, clips.hidden, self.alphas_cumprod[timesteps], gamma=config.snr_gamma
            )
            self.learner.learn(loss)
        return {"velocity": loss}

    def validate(self) -> tuple[dict[str, float], Tensor]:
        self.held = self.held or held_out_clips(self.videos, self.windows, self.generator, self.accelerator)
        return measure(self._refiner(), self.held)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        folder = Path(self.config.output_dir)
        source = Path(self.config.init_from) / "vae" if self.config.init_from else Path(self.config.vae)
        weights: dict[Path, Callable[[Path], None]] = {folder / "unet": self._write}
        if not ((folder / "vae").exists() and (folder / "vae").resolve() == source.resolve()):
            weights[folder / "vae"] = lambda path: save_part(self.vae, path)
        return weights

    def _write(self, unet: Path) -> None:
        """The denoiser, and what makes the folder around it one that `from_pretrained` reads: fp16 safetensors."""
        refiner = self._refiner()
        save_part(refiner.unet, unet)
        refiner.scheduler.save_pretrained(unet.parent / "scheduler")
        refiner.save_config(unet.parent)

    def _refiner(self) -> RefinerPipeline:
        return RefinerPipeline(vae=self.vae, unet=self.learner.average, scheduler=DDIMScheduler(**NOISE))


def shared_noise(latents: Tensor, draw: torch.Generator) -> Tensor:
    """White noise like latents `B T C h w`, the same for all frames of a clip, as when sampling (`RefinerPipeline`)."""
    noise = torch.randn(len(latents), 1, *latents.shape[2:], generator=draw)
    return noise.to(latents.device).expand_as(latents)


def as_held(clips: RefinerClips) -> list[Tensor]:
    """Pictures as bytes, latents in half precision: 13 bytes a pixel of a frame with cells of 8 px and 16 channels."""
    pictures = [(part + 1).mul(127.5).round().byte() for part in (clips.pictures.clean, clips.pictures.coarse)]
    latents = (clips.latents.clean, clips.latents.masked, clips.latents.draft, clips.latents.hidden)
    return [*pictures, clips.pictures.unseen.byte(), *(part.half() for part in latents)]


def as_drawn(parts: list[Tensor]) -> RefinerClips:
    """What `as_held` holds, in full precision again."""
    clean, coarse = (part.float() / 127.5 - 1 for part in parts[:2])
    return RefinerClips(
        CoarseClips(clean, coarse, parts[2].float()), LatentClips(*(part.float() for part in parts[3:]))
    )


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
