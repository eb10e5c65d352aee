"""The refiner's training (latent diffusion, v-prediction, Salimans & Ho 2022): noise, denoise, compare."""

from collections.abc import Callable, Generator
from pathlib import Path

import torch
from accelerate import Accelerator
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from restore.models.denoiser import denoise
from restore.models.pretrained import save_part
from restore.refinement.refiner import RefinerPipeline
from restore.training.config import RefinerConfig
from restore.training.data import collate
from restore.training.feed import Feed, clean_windows
from restore.training.initial_latent import InitialRefiner
from restore.training.learner import Learner
from restore.training.losses import diffusion_loss
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, LatentClips, coarse_clips, latent_clips
from restore.training.validate_refiner import held_out_clips, measure
from restore.video.prefetch import prefetch

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
NOISE = {  # Stable Diffusion's, taken down to no signal at all (Lin et al. 2024)
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
}


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
        self.steps = self.feed.steps
        self.vae, self.generator = (_frozen(model).to(accelerator.device) for model in (initial.vae, initial.generator))
        denoiser = initial.denoiser.train()
        self.learner = Learner(
            denoiser,
            torch.optim.AdamW(denoiser.parameters(), lr=config.learning_rate),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
        )
        self.learners = {"denoiser": self.learner}
        self.noise = DDPMScheduler(**NOISE)
        self.alphas_cumprod = self.noise.alphas_cumprod.to(accelerator.device)
        # Fused attention is slow backwards on a CPU: over a few frames, the plain one takes two thirds of the time.
        self.attention = [SDPBackend.MATH] if accelerator.device.type == "cpu" else FUSED

    def batches(self, first: int) -> Generator[LatentClips, None, None]:
        yield from prefetch(self._clips(first), depth=2)

    def _clips(self, first: int) -> Generator[LatentClips, None, None]:
        """Runs in a thread, ahead of the training."""
        config = self.config
        for step, batch in self.feed.batches(first):
            draw = seeded(config.seed, 2, self.accelerator.process_index, step)
            hidden = config.hidden_least, config.hidden_most
            clips = coarse_clips(batch["clips"], self.generator, hidden=hidden, draw=draw, accelerator=self.accelerator)
            with self.accelerator.autocast():
                yield latent_clips(clips, self.vae, coarse_share=config.coarse_share, draw=draw)

    def step(self, step: int, batch: LatentClips) -> dict[str, Tensor]:
        # Noise, the same for all frames of a clip, as it will be when sampling: see `RefinerPipeline`.
        draw = seeded(self.config.seed, 3, self.accelerator.process_index, step)
        count, device = len(batch.clean), batch.clean.device
        # Little noise is drawn more often than much: that is where the walk from a coarse fill takes place.
        timesteps = (torch.rand(count, generator=draw) ** 2 * self.noise.config.num_train_timesteps).long().to(device)
        noise = torch.randn(count, 1, *batch.clean.shape[2:], generator=draw).to(device).expand_as(batch.clean)
        noisy = self.noise.add_noise(batch.clean, noise, timesteps)
        velocity = self.noise.get_velocity(batch.clean, noise, timesteps)

        # Denoise and compare.
        with self.accelerator.accumulate(self.learner.model), sdpa_kernel(self.attention):
            with self.accelerator.autocast():
                predicted = denoise(self.learner.model, noisy, timesteps, batch.hidden, batch.masked)
            loss = diffusion_loss(
                predicted, velocity, batch.hidden, self.alphas_cumprod[timesteps], gamma=self.config.snr_gamma
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
        save_part(self.learner.average, unet)
        refiner = self._refiner()
        refiner.scheduler.save_pretrained(unet.parent / "scheduler")
        refiner.save_config(unet.parent)

    def _refiner(self) -> RefinerPipeline:
        return RefinerPipeline(vae=self.vae, unet=self.learner.average, scheduler=DDIMScheduler(**NOISE))


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
