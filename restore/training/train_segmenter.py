"""The segmenter's training: degrade, segment, compare with the true mask and kinds."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.degradations.degrade import Ranges
from restore.degradations.mix import Mixed, Shares, degrade_mixed
from restore.models.segmenter import Segmenter, surroundings
from restore.models.weights import save_models
from restore.training.augment import augmented
from restore.training.config import ObstructionConfig
from restore.training.data import collate
from restore.training.feed import Feed, clean_windows, normalised
from restore.training.learner import Learner
from restore.training.losses import kind_dice_loss, kind_loss, mask_loss
from restore.training.prepare import seeded
from restore.training.validate_segmenter import held_out_clips, measure
from restore.video.prefetch import prefetch

KIND_WEIGHT = 0.3  # of telling the kinds apart; finding what is hidden weighs 1

Batch = tuple[Tensor, Tensor, Tensor]  # what the segmenter sees `N 15 H W`, true mask `N 1 H W` and kinds `N H W`


class SegmenterTraining:
    """See `run.Training`."""

    name, pictures = "segmenter", "degraded found true"

    def __init__(
        self,
        config: ObstructionConfig,
        segmenter: Segmenter,
        accelerator: Accelerator,
        videos: list[Path],
        held_out: list[Path],
    ) -> None:
        self.config, self.accelerator, self.videos = config, accelerator, held_out
        self.held: Mixed | None = None  # degraded when first needed: most runs validate only later
        self.windows = clean_windows(config, videos)
        self.feed = Feed.of(config, self.windows, collate, accelerator)
        self.steps = self.feed.steps
        segmenter = segmenter.train().to(memory_format=torch.channels_last)
        self.learner = Learner(
            segmenter,
            torch.optim.Adam(segmenter.parameters(), lr=config.learning_rate),
            accelerator,
            updates=self.steps // config.gradient_accumulation,
            ema_decay=config.ema_decay,
            gradient_clip=config.gradient_clip,
        )
        self.learners = {"segmenter": self.learner}

    def batches(self, first: int) -> Generator[Batch, None, None]:
        yield from prefetch(self._clips(first), depth=2)

    def _clips(self, first: int) -> Generator[Batch, None, None]:
        """Runs in a thread, ahead of the training."""
        for step, batch in self.feed.batches(first):
            draw = seeded(self.config.seed, 2, self.accelerator.process_index, step)
            mixed = degrade_mixed(
                augmented(normalised(batch["clips"], self.accelerator.device), generator=draw),
                generator=draw,
                shares=Shares(),
                ranges=Ranges(),
                frame_size=batch["frame_size"],
                offsets=batch["offsets"],
            )
            picked = torch.randperm(self.config.window, generator=draw)[: self.config.frames_per_window].tolist()
            seen = surroundings(mixed.clips, picked).flatten(0, 1)
            yield (
                seen.contiguous(memory_format=torch.channels_last),
                mixed.mask[:, picked].flatten(0, 1),
                mixed.kinds[:, picked].flatten(0, 1),
            )

    def step(self, step: int, batch: Batch) -> dict[str, Tensor]:
        seen, mask, kinds = batch
        with self.accelerator.accumulate(self.learner.model):
            logits = self.learner.model(seen).float()
            terms = {
                "mask": mask_loss(logits[:, :1], mask),
                "dice": kind_dice_loss(logits, kinds, mask),
                "kind": kind_loss(logits[:, 1:], kinds, mask),
            }
            self.learner.learn(terms["mask"] + terms["dice"] + KIND_WEIGHT * terms["kind"])
        return terms

    def validate(self) -> tuple[dict[str, float], Tensor]:
        self.held = self.held or held_out_clips(self.videos, self.windows)
        return measure(self.learner.average, self.held, self.accelerator)

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        models: dict[str, tuple[nn.Module, dict[str, Any]]] = {"segmenter": (self.learner.average, {})}
        return {Path(self.config.output_dir) / "segmenter.pth": partial(save_models, models=models)}
