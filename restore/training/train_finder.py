"""The occlusion finder's training: degrade, find, compare with the true mask."""

from collections.abc import Callable, Generator
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from restore.degradations.degrade import Ranges
from restore.models.finder import OcclusionFinder, triples
from restore.training.config import TrainConfig
from restore.training.data import CleanWindows, collate, steps_per_epoch
from restore.training.feed import Feed
from restore.training.learner import Learner
from restore.training.losses import mask_loss
from restore.training.prepare import degraded_windows

FRAMES = 3  # a window: the frame in question and its neighbours
LEARNING_RATE = 6e-4

Batch = tuple[Tensor, Tensor]  # three frames `B 9 H W` in [-1, 1], the true mask of the middle one `B 1 H W`


class FinderTraining:
    """See `run.Training`. Nothing is validated or written: the finder goes with the generator's weights."""

    name, pictures = "finder", ""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, videos: list[Path]) -> None:
        self.config, self.accelerator = config, accelerator

        # Data.
        per_video = min(config.windows_per_video, config.finder_batch)
        crop = config.crop_height, config.crop_width
        windows = CleanWindows(videos, frames=FRAMES, crop=crop, per_video=per_video, seed=config.seed)
        videos_a_step = config.finder_batch // per_video
        each = steps_per_epoch(windows, batch=videos_a_step, processes=accelerator.num_processes)
        self.steps = config.finder_steps
        self.feed = Feed(windows, collate, videos_a_step, -(-self.steps // each), config.workers, accelerator)

        # Model.
        torch.manual_seed(config.seed)
        finder = OcclusionFinder().to(memory_format=torch.channels_last)
        self.learner = Learner(
            finder,
            torch.optim.Adam(finder.parameters(), lr=LEARNING_RATE),
            accelerator,
            updates=self.steps,
            ema_decay=config.ema_decay,
        )
        self.learners = {"finder": self.learner}

    @property
    def finder(self) -> OcclusionFinder:
        """The averaged finder, for use."""
        finder = self.learner.average
        assert isinstance(finder, OcclusionFinder)
        return finder.eval().requires_grad_(False)

    def batches(self, first: int) -> Generator[Batch, None, None]:
        for step, batch in self.feed.batches(first):
            seed = (self.config.seed, 1, self.accelerator.process_index, step)
            degraded, mask = degraded_windows(batch, seed=seed, ranges=Ranges(), device=self.accelerator.device)
            yield triples(degraded)[:, 1].contiguous(memory_format=torch.channels_last), mask[:, 1]

    def step(self, step: int, batch: Batch) -> dict[str, Tensor]:
        frames, mask = batch
        loss = mask_loss(self.learner.model(frames).float(), mask)
        self.learner.learn(loss)  # gradients of the finder do not accumulate: its batch is its own setting
        return {"mask": loss}

    def validate(self) -> None:
        return None

    def weights(self) -> dict[Path, Callable[[Path], None]]:
        return {}
