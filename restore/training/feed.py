"""Clean windows, step after step: what every training begins its batches from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from restore.training.config import Settings
from restore.training.data import CleanWindows, batches, shielded, steps_per_epoch


@dataclass(frozen=True)
class Feed:
    """The batches of one process.

    Attributes:
        windows: what is drawn from.
        videos: how many a step and process.
        epochs: how often every video is visited.
        workers: processes that decode.
    """

    windows: CleanWindows
    videos: int
    epochs: int
    workers: int
    accelerator: Accelerator

    @classmethod
    def of(cls, config: Settings, videos: list[Path], accelerator: Accelerator) -> "Feed":
        """As the settings ask for."""
        windows = CleanWindows(
            videos,
            frames=config.window,
            crop=(config.crop_height, config.crop_width),
            per_video=config.windows_per_video,
            seed=config.seed,
        )
        return cls(windows, config.batch_size // config.windows_per_video, config.epochs, config.workers, accelerator)

    @property
    def steps(self) -> int:
        """Of all epochs, for each process."""
        return self.epochs * steps_per_epoch(self.windows, batch=self.videos, processes=self.accelerator.num_processes)

    def batches(self, first: int) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """The number of each step from `first` on, with its windows: see `data.CleanWindows`."""
        loader = batches(
            self.windows,
            epochs=self.epochs,
            batch=self.videos,
            first=first,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
            workers=self.workers,
        )
        yield from enumerate(shielded(loader), start=first)


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
