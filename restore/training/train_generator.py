"""The generator's GAN training (pix2pix, Isola et al. 2017): forward, D step, G step."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.frame import HIDDEN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, LevelledGenerator
from restore.models.weights import save_models
from restore.propagation.evidence import BASE, FRAME, MASK
from restore.scoring.perceptual import lpips_network
from restore.training.config import TrainConfig
from restore.training.feed import Feed, clean_windows
from restore.training.in_use import network_input
from restore.training.initial import InitialGenerator
from restore.training.learner import Learner
from restore.training.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    level_loss,
    perceptual_loss,
    reconstruction_loss,
    slight_weights,
    squared_loss,
)
from restore.training.prepare import Pairs, PreparedPairs, joined, seeded
from restore.training.replay import Replay
from restore.training.validate_generator import Validation
from restore.video.prefetch import prefetch


class GeneratorTraining:
    """See `run.Training`. The finder, and the segmenter if there is one, find the masks as they will in use."""

    name, pictures = "generator", "degraded restored clean"

    def __init__(
        self,
        config: TrainConfig,
        initial: InitialGenerator,
        finder: OcclusionFinder,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.accelerator, self.kwargs = config, accelerator, initial.kwargs

        # Data. Workers detect, on the CPU, wherever the finder was trained.
        finder = finder.cpu()
        windows = clean_windows(config, videos)
        prepared = PreparedPairs(
            windows,
            frames=config.frames_per_window,
            obstructed=config.obstructed_share,
            gated=isinstance(initial.generator, GatedGenerator),
            finder=finder,
            segmenter=initial.segmenter,
        )
        self.feed = Feed.of(config, prepared, joined, accelerator)
        self.steps = self.feed.steps * config.reuse
        self.finder = finder
        self.validation = Validation(held_out, windows, finder, initial.segmenter)

        # Models. A schedule counts its own model's weight updates: D has none before it joins.
        generator, discriminator = (
            model.to(memory_format=torch.channels_last) for model in (initial.generator, initial.discriminator)
        )
        optimizer_g, optimizer_d = (
            torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=(0.5, 0.999))
            for model in (generator, discriminator)
        )
        # What a gated generator estimates is learned, too: past its gate's ramp nothing else corrects it.
        self.estimates = isinstance(generator, GatedGenerator)
        updates = self.steps // config.gradient_accumulation
        self.g = Learner(
            generator,
            optimizer_g,
            accelerator,
            updates=updates,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
            forward=LevelledGenerator(generator) if isinstance(generator, GatedGenerator) else None,
        )
        self.d = Learner(
            discriminator, optimizer_d, accelerator, updates=round(updates * (1 - config.adversarial_start))
        )
        self.learners = {"generator": self.g, "discriminator": self.d}
        self.distance = lpips_network().to(accelerator.device) if config.perceptual_weight > 0 else None

    def batches(self, first: int) -> Generator[Pairs, None, None]:
        yield from prefetch(self._pairs(first), depth=2)

    def _pairs(self, first: int) -> Generator[Pairs, None, None]:
        """Runs in a thread, ahead of the training."""
        config, device = self.config, self.accelerator.device
        if config.reuse == 1:
            yield from (pairs.to(device) for _, pairs in self.feed.batches(first))
            return
        replay = Replay(config.memory, device)  # after a stop it fills anew
        for number, pairs in self.feed.batches(first // config.reuse):
            replay.add(pairs)
            for step in range(max(first, number * config.reuse), (number + 1) * config.reuse):
                draw = seeded(config.seed, 4, self.accelerator.process_index, step)
                yield replay.draw(config.frames_a_step, generator=draw)

    def step(self, step: int, batch: Pairs) -> dict[str, Tensor]:
        config, g, d = self.config, self.g, self.d
        joined = config.adversarial_weight > 0 and step >= config.adversarial_start * self.steps
        degraded = batch.evidence[:, FRAME]
        with self.accelerator.accumulate(g.model, d.model):
            generated = g.model(network_input(g.network, batch.evidence))
            restored = (generated[0] if self.estimates else generated).float()
            terms = {"l1": reconstruction_loss(restored, batch.clean)}
            if self.estimates:
                hidden = batch.evidence[:, MASK] > HIDDEN
                weights = slight_weights(degraded, batch.evidence[:, BASE], hidden, batch.clean)
                terms["level"] = level_loss(generated[1].float(), degraded, batch.clean, hidden)
                loss = config.l1_weight * reconstruction_loss(restored, batch.clean, weights)
                loss = loss + config.level_weight * terms["level"]
            else:
                loss = config.l1_weight * terms["l1"]
            if config.l2_weight > 0:
                terms["l2"] = squared_loss(restored, batch.clean)
                loss = loss + config.l2_weight * terms["l2"]

            if self.distance is not None:
                terms["perceptual"] = perceptual_loss(self.distance, restored, batch.clean)
                loss = loss + config.perceptual_weight * terms["perceptual"]

            # D step.
            if joined:
                terms["discriminator"] = discriminator_loss(
                    d.model(degraded, batch.clean).float(), d.model(degraded, restored.detach()).float()
                )
                d.learn(terms["discriminator"])

                # D judges, but must not learn from the G step: its bare module, which shares no gradients.
                d.network.requires_grad_(False)
                terms["adversarial"] = generator_adversarial_loss(d.network(degraded, restored).float())
                loss = loss + config.adversarial_weight * terms["adversarial"]

            # G step.
            g.learn(loss)
            d.network.requires_grad_(True)
        return terms

    def validate(self) -> tuple[dict[str, float], Tensor]:
        return self.validation.measure(self.g.average, self.accelerator)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        folder = Path(self.config.output_dir)
        generator: dict[str, tuple[nn.Module, dict[str, Any]]] = {
            "generator": (self.g.average, self.kwargs),
            "finder": (self.finder, {}),
        }
        discriminator: dict[str, tuple[nn.Module, dict[str, Any]]] = {"discriminator": (self.d.network, {})}
        return {
            folder / "generator.pth": partial(save_models, models=generator),
            folder / "discriminator.pth": partial(save_models, models=discriminator),
        }
