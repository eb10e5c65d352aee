"""Items of videos, step after step: what every training begins its batches from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor

from restore.training.config import Settings
from restore.training.data import CleanWindows, OfVideos, batches, shielded, steps_per_epoch

T = TypeVar("T")


@dataclass(frozen=True)
class Feed(Generic[T]):
    """The batches of one process.

    Attributes:
        items: what is drawn from: clean windows, or what workers prepare from them.
        join: makes one batch of several items.
        videos: how many a step and process.
        epochs: how often every video is visited.
        workers: processes that decode, and prepare.
    """

    items: OfVideos[T]
    join: Callable[[list[T]], T]
    videos: int
    epochs: int
    workers: int
    accelerator: Accelerator

    @classmethod
    def of(
        cls, config: Settings, items: OfVideos[T], join: Callable[[list[T]], T], accelerator: Accelerator
    ) -> "Feed[T]":
        """As the settings ask for."""
        videos = config.batch_size // config.windows_per_video
        return cls(items, join, videos, config.epochs, config.workers, accelerator)

    @property
    def steps(self) -> int:
        """Of all epochs, for each process."""
        return self.epochs * steps_per_epoch(self.items, batch=self.videos, processes=self.accelerator.num_processes)

    def batches(self, first: int) -> Iterator[tuple[int, T]]:
        """The number of each step from `first` on, with its batch."""
        loader = batches(
            self.items,
            self.join,
            epochs=self.epochs,
            batch=self.videos,
            first=first,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
            workers=self.workers,
        )
        yield from enumerate(shielded(loader), start=first)


def clean_windows(config: Settings, videos: list[Path]) -> CleanWindows:
    """As the settings ask for."""
    crop = config.crop_height, config.crop_width
    return CleanWindows(videos, frames=config.window, crop=crop, per_video=config.windows_per_video, seed=config.seed)


def first_windows(videos: list[Path], *, frames: int, crop: tuple[int, int], seed: int) -> Tensor:
    """One window of each video, the same each time, to validate on: uint8 `N T 3 H W`."""
    windows = CleanWindows(videos, frames=frames, crop=crop, per_video=1, seed=seed)
    return torch.cat([windows[0, index]["clips"] for index in range(len(windows))])


def normalised(clips: Tensor, device: torch.device) -> Tensor:
    """Pictures on the training's device: uint8 [0, 255] => float32 [-1, 1].

    >>> normalised(torch.tensor([0, 255], dtype=torch.uint8), torch.device("cpu")).tolist()
    [-1.0, 1.0]
    """
    return clips.to(device).float() / 127.5 - 1
