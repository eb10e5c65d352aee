"""The refiner's second training: what a few calls make of the coarse fill has to look like the scene.

A denoiser that predicts the mean of all that could be there needs many small steps to reach one of them. Here each call
of a short walk is judged by its picture: by LPIPS, by a PatchGAN over three frames, and by the difference to the clean
one (adversarial diffusion distillation, Sauer et al. 2023, without a teacher: the clean picture is at hand).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import DDIMScheduler
from torch import Tensor, nn
from torch.nn.attention import sdpa_kernel

from restore.models.discriminator import PatchGAN
from restore.models.noise_schedule import NOISE
from restore.models.pretrained import save_part
from restore.models.weights import save_models
from restore.refinement.refiner import RefinerPipeline
from restore.scoring.perceptual import lpips_network
from restore.training.config import JUDGED, FewStepsConfig
from restore.training.few_steps import Regenerator, walked
from restore.training.initial_latent import InitialRefiner
from restore.training.learner import Learner
from restore.training.losses import discriminator_loss, generator_adversarial_loss, perceptual_loss
from restore.training.prepare import seeded
from restore.training.prepare_refiner import partly_known
from restore.training.train_refiner import RefinerClips, RefinerTraining, shared_noise

WALKS = 1, 2, 4  # calls of the walks that are learned
LEAST = 0.02  # of the pictures is counted as hidden at least, so that slivers do not outweigh all else


class FewStepsTraining(RefinerTraining):
    """See `run.Training`. Denoiser and decoder learn together; the encoder stays, and with it what is known."""

    name = "few_steps"

    def __init__(
        self,
        config: FewStepsConfig,
        initial: InitialRefiner,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        super().__init__(config, initial, accelerator, videos, held_out)
        assert isinstance(self.learner.network, Regenerator)
        self.settings, self.regenerator = config, self.learner.network
        torch.manual_seed(config.seed)
        judge = PatchGAN(in_channels=3 + 3 * JUDGED, width=config.discriminator_width)
        self.judge = Learner(
            judge,
            torch.optim.Adam(judge.parameters(), lr=config.learning_rate, betas=(0.5, 0.999)),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
        )
        self.learners = {"regenerator": self.learner, "discriminator": self.judge}
        self.distance = lpips_network().to(accelerator.device)

    def _learner(self, network: nn.Module) -> Learner:
        return super()._learner(Regenerator(network, self.vae.requires_grad_(True)))

    def step(self, step: int, batch: RefinerClips) -> dict[str, Tensor]:
        config, g, d = self.settings, self.learner, self.judge
        draw = seeded(config.seed, 3, self.accelerator.process_index, step)
        clips = partly_known(batch.latents, coarse_share=config.coarse_share, known_share=config.known_share, draw=draw)
        noise = shared_noise(clips.clean, draw)
        calls = WALKS[int(torch.randint(len(WALKS), (), generator=draw))]
        before = int(torch.randint(calls, (), generator=draw))
        count, frames = clips.clean.shape[:2]
        first = torch.randint(frames - JUDGED + 1, (count, 1), generator=draw)
        rows = (first + torch.arange(JUDGED)).to(clips.clean.device)
        clean, coarse, unseen = (
            x[torch.arange(count)[:, None], rows]
            for x in (batch.pictures.clean, batch.pictures.coarse, batch.pictures.unseen)
        )

        with self.accelerator.accumulate(g.model, d.model), sdpa_kernel(self.attention):
            with self.accelerator.autocast():
                noisy, timestep, signal = walked(
                    self.regenerator, clips, noise, calls=calls, before=before, start=config.start
                )
                decoded = g.model(noisy, timestep, signal, clips, rows)
            pictures = torch.where(unseen > 0, decoded, coarse)
            hidden = unseen.mean().clamp(min=LEAST)
            terms = {
                "l1": (pictures - clean).abs().mean() / hidden,
                "perceptual": perceptual_loss(self.distance, pictures.flatten(0, 1), clean.flatten(0, 1)) / hidden,
                # The decoder goes on drawing what is known, or a hole's rim would not fit what is around.
                "known": ((decoded - coarse).abs() * (1 - unseen)).mean(),
            }
            loss = config.l1_weight * (terms["l1"] + terms["known"]) + config.perceptual_weight * terms["perceptual"]

            if config.adversarial_weight > 0:
                # D step: patches of the holes.
                middle = (coarse * (1 - unseen))[:, unseen.shape[1] // 2]
                judged = partial(_of_holes, unseen=unseen)
                terms["discriminator"] = discriminator_loss(
                    judged(d.model(middle, clean.flatten(1, 2)).float()),
                    judged(d.model(middle, pictures.detach().flatten(1, 2)).float()),
                )
                d.learn(terms["discriminator"])
                d.network.requires_grad_(False)
                terms["adversarial"] = generator_adversarial_loss(
                    judged(d.network(middle, pictures.flatten(1, 2)).float())
                )
                loss = loss + config.adversarial_weight * terms["adversarial"]

            g.learn(loss)
            d.network.requires_grad_(True)
        return terms

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        folder = Path(self.config.output_dir)
        return {
            folder / "unet": self._write,
            folder / "vae": lambda path: save_part(self.learner.average.vae, path),
            Path(self.config.run_dir) / "discriminator.pth": partial(
                save_models, models={"discriminator": (self.judge.network, {})}
            ),
        }

    def _refiner(self) -> RefinerPipeline:
        average = self.learner.average
        return RefinerPipeline(vae=average.vae, unet=average.denoiser, scheduler=DDIMScheduler(**NOISE))


def _of_holes(scores: Tensor, *, unseen: Tensor) -> Tensor:
    """Of scores `B 1 h w` those whose patch has something of a hole `B T 1 H W` in its middle; at least one."""
    hidden = F.adaptive_max_pool2d(unseen.amax(1), scores.shape[-2:]) > 0
    return scores[hidden] if hidden.any() else scores[:1, :, :1, :1].flatten()
