"""The scaler's training: enlarge a window frame by frame, compare with the clean one."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.models.scaler import Scaler, enlarged_window
from restore.models.weights import save_models
from restore.training.config import ScaleConfig
from restore.training.feed import Feed, clean_windows, normalised
from restore.training.initial import InitialScaler
from restore.training.learner import Learner
from restore.training.losses import charbonnier_loss
from restore.training.prepare_scaler import PreparedSmall, SmallWindows, joined
from restore.training.validate_scaler import held_out_windows, measure
from restore.video.prefetch import prefetch


class Windowed(nn.Module):
    """What a step calls: see `enlarged_window`."""

    def __init__(self, scaler: Scaler) -> None:
        super().__init__()
        self.scaler = scaler

    def forward(self, small: Tensor, to_following: Tensor, to_previous: Tensor) -> Tensor:
        return enlarged_window(self.scaler, small, to_following, to_previous)


class ScalerTraining:
    """See `run.Training`."""

    name, pictures = "scaler", "bicubic enlarged clean"

    def __init__(
        self,
        config: ScaleConfig,
        initial: InitialScaler,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.initial, self.accelerator, self.held_out = config, initial, accelerator, held_out
        self.held: SmallWindows | None = None  # prepared when first needed
        self.windows = clean_windows(config, videos)
        prepared = PreparedSmall(self.windows, generator=initial.generator)
        self.feed = Feed.of(config, prepared, joined, accelerator)
        self.steps = self.feed.steps
        scaler = initial.scaler.train().to(memory_format=torch.channels_last)
        self.learner = Learner(
            scaler,
            torch.optim.Adam(scaler.parameters(), lr=config.learning_rate),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
            forward=Windowed(scaler),
        )
        self.learners = {"scaler": self.learner}

    def batches(self, first: int) -> Generator[SmallWindows, None, None]:
        for _, batch in prefetch(self.feed.batches(first), depth=2):
            yield batch

    def step(self, step: int, batch: SmallWindows) -> dict[str, Tensor]:
        device = self.accelerator.device
        clean = normalised(batch.clean, device)
        with self.accelerator.accumulate(self.learner.model):
            flows = batch.to_following.to(device).float(), batch.to_previous.to(device).float()
            results = self.learner.model(normalised(batch.small, device), *flows).float()
            # Luma is all that the scaler adds; what else differs would only be noise in the gradient.
            loss = charbonnier_loss(results.mean(2), clean.mean(2))
            self.learner.learn(loss)
        return {"luma": loss}

    def validate(self) -> tuple[dict[str, float], Tensor]:
        self.held = self.held or held_out_windows(self.held_out, self.windows)
        scaler = self.learner.average
        assert isinstance(scaler, Scaler), "the average of a scaler"
        return measure(scaler, self.held, self.accelerator)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        models: dict[str, tuple[nn.Module, dict[str, Any]]] = {"scaler": (self.learner.average, self.initial.kwargs)}
        return {Path(self.config.output_dir) / "scaler.pth": partial(save_models, models=models)}
