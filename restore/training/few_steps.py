"""The walk that the refiner makes in use, for training: from the coarse fill, in a few calls, to a picture."""

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from restore.models.autoencoder import Autoencoder, decode
from restore.models.denoiser import denoise
from restore.models.noise_schedule import NOISE
from restore.refinement.sampler import predicted_clean
from restore.refinement.schedule import steps_from_noise
from restore.training.prepare_refiner import LatentClips


class Regenerator(nn.Module):
    """One call of the denoiser, and the decoder: latents to pictures, both learning.

    Args:
        denoiser: predicts velocities.
        vae: its encoder does not learn: the latents of what is known remain what they are.
    """

    def __init__(self, denoiser: nn.Module, vae: Autoencoder) -> None:
        super().__init__()
        vae.encoder.requires_grad_(False)
        self.denoiser, self.vae = denoiser, vae

    def forward(self, noisy: Tensor, timestep: int, signal: float, clips: LatentClips, rows: Tensor) -> Tensor:
        """The pictures `B L 3 H W` of the frames `rows`, `B L`, as this call would leave them.

        Args:
            noisy: `B T C h w`, at the level of `timestep`, where `signal` of the variance is the picture's.
        """
        latents = self.regenerated(noisy, timestep, signal, clips)
        return decode(self.vae, latents[torch.arange(len(rows))[:, None], rows])

    def regenerated(self, noisy: Tensor, timestep: int, signal: float, clips: LatentClips) -> Tensor:
        """Clean latents `B T C h w`: predicted where hidden, as they are elsewhere."""
        velocity = denoise(self.denoiser, noisy, timestep, clips.hidden, clips.condition)
        return torch.where(clips.hidden > 0, predicted_clean(velocity, noisy, signal, "v_prediction"), clips.draft)


def walked(
    regenerator: Regenerator, clips: LatentClips, noise: Tensor, *, calls: int, before: int, start: float
) -> tuple[Tensor, int, float]:
    """What comes into one call of a walk: noisy latents `B T C h w`, the timestep, the picture's share of the variance.

    Args:
        noise: `B T C h w`, what the coarse fill is taken up with.
        calls: of the walk.
        before: how many of them were made; they are DDIM's steps (Song et al. 2021) without new noise.
        start: how much noise the walk begins with, in (0, 1].
    """
    scheduler = DDIMScheduler(**NOISE)
    scheduler.set_timesteps(steps_from_noise(calls, start))
    timesteps = [int(timestep) for timestep in scheduler.timesteps[-calls:]]
    signals = [float(scheduler.alphas_cumprod[timestep]) for timestep in timesteps]
    hidden, source = clips.hidden > 0, clips.draft if start < 1 else torch.zeros_like(clips.draft)

    def mixed(clean: Tensor, signal: float) -> Tensor:
        return torch.where(hidden, signal**0.5 * clean + (1 - signal) ** 0.5 * noise, clips.draft)

    x = mixed(source, signals[0])
    with torch.no_grad():
        for call in range(before):
            clean = regenerator.regenerated(x, timesteps[call], signals[call], clips)
            noise = (x - signals[call] ** 0.5 * clean) / (1 - signals[call]) ** 0.5
            x = mixed(clean, signals[call + 1])
    return x, timesteps[before], signals[before]
