"""The noise network's training: what is left of noise where the restorer has done all else, compared with the clean."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.models.noise_network import NoiseNetwork
from restore.models.weights import save_models
from restore.training.config import NoiseConfig
from restore.training.feed import Feed, clean_windows, normalised
from restore.training.initial import InitialNoise
from restore.training.learner import Learner
from restore.training.losses import relative_loss
from restore.training.prepare import seeded
from restore.training.prepare_noise import NoisyFrames, PreparedNoise, joined, network_input
from restore.training.ring import Ring
from restore.training.validate_noise import held_out_frames, measure
from restore.video.prefetch import prefetch


class NoiseTraining:
    """See `run.Training`."""

    name, pictures = "noise", "degraded smoothed restored clean"

    def __init__(
        self,
        config: NoiseConfig,
        initial: InitialNoise,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.initial, self.accelerator, self.held_out = config, initial, accelerator, held_out
        self.held: NoisyFrames | None = None  # prepared when first needed
        self.windows = clean_windows(config, videos)
        prepared = PreparedNoise(self.windows, frames=config.frames_per_window, generator=initial.generator)
        self.feed = Feed.of(config, prepared, joined, accelerator)
        self.steps = self.feed.steps * config.reuse
        network = initial.network.train().to(memory_format=torch.channels_last)
        self.learner = Learner(
            network,
            torch.optim.Adam(network.parameters(), lr=config.learning_rate),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
        )
        self.learners = {"noise": self.learner}

    def batches(self, first: int) -> Generator[NoisyFrames, None, None]:
        yield from prefetch(self._frames(first), depth=2)

    def _frames(self, first: int) -> Generator[NoisyFrames, None, None]:
        """Runs in a thread, ahead of the training."""
        config = self.config
        ring = Ring(config.memory, self.accelerator.device)  # after a stop it fills anew
        for number, prepared in self.feed.batches(first // config.reuse):
            ring.add(prepared.parts())
            for step in range(max(first, number * config.reuse), (number + 1) * config.reuse):
                draw = seeded(config.seed, 7, self.accelerator.process_index, step)
                yield turned(NoisyFrames(*ring.draw(config.frames_a_step, generator=draw)), generator=draw)

    def step(self, step: int, batch: NoisyFrames) -> dict[str, Tensor]:
        device = self.accelerator.device
        clean, smoothed = normalised(batch.clean, device), normalised(batch.smoothed, device)
        with self.accelerator.accumulate(self.learner.model):
            restored = self.learner.model(*network_input(batch, device)).float()
            loss = relative_loss(restored, smoothed, clean)
            self.learner.learn(loss)
        return {"relative": loss}

    def validate(self) -> tuple[dict[str, float], Tensor]:
        self.held = self.held or held_out_frames(self.held_out, self.windows, self.initial.generator)
        network = self.learner.average
        assert isinstance(network, NoiseNetwork), "the average of a noise network"
        return measure(network, self.held, self.accelerator)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        models: dict[str, tuple[nn.Module, dict[str, Any]]] = {"noise": (self.learner.average, self.initial.kwargs)}
        return {Path(self.config.output_dir) / "noise.pth": partial(save_models, models=models)}


def turned(frames: NoisyFrames, *, generator: torch.Generator) -> NoisyFrames:
    """Each frame mirrored along either side, its colours exchanged, or not: others that are just as likely."""
    count = len(frames.noise)
    lots = torch.rand(3, count, generator=generator) < 0.5
    order = torch.rand(count, 3, generator=generator).argsort(1)
    *pictures, hidden, noise = frames.parts()
    for some, side in ((lots[0], -1), (lots[1], -2)):
        some = some.to(hidden.device)[:, None, None, None]
        *pictures, hidden = (torch.where(some, x.flip(side), x) for x in (*pictures, hidden))
    order = torch.where(lots[2][:, None], order, torch.arange(3)).to(hidden.device)[:, :, None, None]
    parts = [*(x.gather(1, order.expand_as(x)) for x in pictures), hidden, noise]
    return NoisyFrames(*parts)
