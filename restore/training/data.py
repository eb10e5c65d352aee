"""Clean windows of frames, cropped from videos and filmed from photographs, and the order that they are drawn in."""

import logging
import math
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restore.errors import DataError, VideoError
from restore.training.photos import Shot, read_photo, shoot
from restore.video.clip import count_frames, read_clip
from restore.video.files import is_image

SPAN = 2  # windows are cut from a decoded stretch of this many window lengths
MOST_OF_A_FOLDER = 0.1  # of an epoch's draws: a kind of scene that fills the data set would fill what is learned
PHOTO_SIDE = 240  # rows a photograph is filmed at, at least; what most videos of UCF-101 have

T = TypeVar("T", covariant=True)

log = logging.getLogger(__name__)


class OfVideos(Protocol[T]):
    """A dataset whose items are asked for by (epoch, index) of its videos."""

    videos: list[Path]
    seed: int

    def __getitem__(self, key: tuple[int, int], /) -> T: ...


class CleanWindows(Dataset[dict[str, Tensor]]):
    """Several random windows from one decode of one video, or from one shot of a photograph.

    An item is asked for by (epoch, video index) and depends on nothing but that and `seed`: not on the number of
    workers, nor on what was asked before.

    Args:
        videos: paths of videos and photographs; at least one.
        frames: T, frames a window. A shorter video is played forth and back.
        crop: (rows, columns) of a crop; a smaller video is scaled up to it.
        per_video: K, windows an item.

    An item is a dictionary of
        clips: uint8 `K T 3 H W`, RGB;
        recorded: the same, but with the blur of an open shutter where a photograph was filmed with one;
        offsets: int64 `K 2`, (row, column) of each crop in its frame;
        frame_size: int64 `K 2`, (rows, columns) of that frame.
    """

    def __init__(self, videos: list[Path], *, frames: int, crop: tuple[int, int], per_video: int, seed: int) -> None:
        self.videos, self.frames, self.crop, self.per_video, self.seed = videos, frames, crop, per_video, seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        epoch, index = key
        rng = np.random.default_rng((self.seed, epoch, index))
        shot = self._stretch(index, rng)
        short_exposure = shot.recorded is shot.sharp
        sharp = _at_least(shot.sharp, *self.crop)
        recorded = sharp if short_exposure else _at_least(shot.recorded, *self.crop)
        cuts = [self._cut(sharp.shape, rng) for _ in range(self.per_video)]
        clips = torch.from_numpy(np.stack([cut(sharp) for cut, _ in cuts]))
        return {
            "clips": clips,
            "recorded": clips if short_exposure else torch.from_numpy(np.stack([cut(recorded) for cut, _ in cuts])),
            "offsets": torch.from_numpy(np.stack([offset for _, offset in cuts])),
            "frame_size": torch.tensor(sharp.shape[1:3]).expand(self.per_video, 2),
        }

    def _stretch(self, index: int, rng: np.random.Generator) -> Shot:
        """Consecutive frames of the video; one that cannot be read is named, and the next stands in for it."""
        span = SPAN * self.frames
        for path in self.videos[index:] + self.videos[:index]:
            try:
                if is_image(path):
                    return self._filmed(path, rng)
                start = int(rng.integers(max(1, count_frames(path) - span + 1)))
                stretch = read_clip(path, start, span)
                if len(stretch):
                    return Shot(stretch, stretch)
                log.warning("left out: holds no frames: %s", path)
            except (VideoError, DataError) as error:
                log.warning("left out: %s", error)
        raise DataError(f"none of {len(self.videos)} videos can be read any more, the first is {self.videos[0]}")

    def _filmed(self, path: Path, rng: np.random.Generator) -> Shot:
        photos = [video for video in self.videos if is_image(video)]
        rows = max(PHOTO_SIDE, self.crop[0])
        return shoot(
            read_photo(path),
            frames=SPAN * self.frames,
            size=(rows, max(rows * 4 // 3, self.crop[1])),
            rng=rng,
            other=lambda: read_photo(photos[int(rng.integers(len(photos)))]),
        )

    def _cut(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """Where a window is cut from a stretch of a shape `T H W 3`: a function that cuts it, and its corner."""
        count, height, width = shape[:3]
        start = int(rng.integers(max(1, count - self.frames + 1)))
        top, left = (int(rng.integers(have - want + 1)) for have, want in zip((height, width), self.crop, strict=True))
        mirrored, reversed_ = rng.random() < 0.5, rng.random() < 0.5  # what the past holds, the future might

        def cut(stretch: np.ndarray) -> np.ndarray:
            clip = stretch[:, top : top + self.crop[0], left : left + self.crop[1]]
            clip = clip[_forth_and_back(start, self.frames, count)]
            clip = clip[:: -1 if reversed_ else 1, :, :: -1 if mirrored else 1]
            return np.ascontiguousarray(clip.transpose(0, 3, 1, 2))

        return cut, np.array([top, left])


def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Items => one batch: the windows of all of them along the first dimension."""
    return {name: torch.cat([item[name] for item in items]) for name in items[0]}


def steps_per_epoch(dataset: OfVideos[Any], *, batch: int, processes: int = 1) -> int:
    """How many batches each process takes an epoch."""
    return math.ceil(len(epoch_order(dataset.videos, seed=(dataset.seed, 0))) / batch / processes)


def epoch_order(videos: list[Path], *, seed: tuple[int, ...]) -> np.ndarray:
    """Which of the videos an epoch visits, in what order: all of them once, but of a folder that holds more than
    `MOST_OF_A_FOLDER` of what is drawn only so many, others in each epoch. Fewer folders than make that possible are
    left as they are.

    >>> folders = [Path(f"{name}/{number}.mp4") for name in "abcdefghij" for number in range(2)]
    >>> many = [Path(f"k/{number}.mp4") for number in range(50)]
    >>> len(epoch_order(folders + many, seed=(0,))), len(epoch_order(many, seed=(0,)))
    (22, 50)
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(videos))
    sizes = list(Counter(video.parent for video in videos).values())
    fits = (most for most in range(max(sizes), 0, -1) if most <= MOST_OF_A_FOLDER * sum(min(most, n) for n in sizes))
    most = next(fits, max(sizes))
    taken: Counter[Path] = Counter()
    visited = []
    for index in order:
        folder = videos[index].parent
        taken[folder] += 1
        if taken[folder] <= most:
            visited.append(index)
    return np.array(visited)


def batches(
    dataset: OfVideos[T],
    join: Callable[[list[T]], T],
    *,
    epochs: int,
    batch: int,
    first: int = 0,
    rank: int = 0,
    processes: int = 1,
    workers: int = 1,
) -> DataLoader[T]:
    """The batches of `batch` videos that one process takes, from its step number `first` to the end of the last epoch,
    the items of each made one by `join`.

    Every epoch has its `epoch_order`, seeded by its number. One loader serves all epochs, so that workers
    start once; a resumed run goes on at step `first` without decoding what came before.
    """
    keys: list[list[tuple[int, int]]] = []
    for epoch in range(epochs):
        order = epoch_order(dataset.videos, seed=(dataset.seed, epoch))
        of_epoch = [[(epoch, int(index)) for index in order[at : at + batch]] for at in range(0, len(order), batch)]
        each = steps_per_epoch(dataset, batch=batch, processes=processes)  # every process takes as many steps
        keys += (of_epoch * processes)[: each * processes][rank::processes]
    return DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=keys[first:],
        collate_fn=join,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_one_thread if workers else None,
    )


def shielded(loader: DataLoader[T]) -> Iterator[T]:
    """The batches of a loader whose workers live on when Ctrl-C reaches all processes of a terminal.

    The training finishes its step before it stops, and may be waiting for a batch.
    """
    resource_tracker.ensure_running()  # unblocks the signal where it starts on its own
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        batches = iter(loader)  # starts the workers, which inherit what is blocked
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    yield from batches


def readable(videos: list[Path]) -> list[Path]:
    """The videos and photographs that can be opened, in order; the others are named in the log and counted.

    Raises:
        DataError: none can.
    """
    good = []
    for video in videos:
        try:
            if len(read_photo(video)) if is_image(video) else count_frames(video):
                good.append(video)
                continue
            log.warning("left out: holds no frames: %s", video)
        except (VideoError, DataError) as error:
            log.warning("left out: %s", error)
    if len(good) < len(videos):
        log.warning("%d of %d videos are left out", len(videos) - len(good), len(videos))
    if not good:
        raise DataError(f"none of {len(videos)} videos can be read, the first is {videos[0]}")
    return good


def _forth_and_back(start: int, count: int, total: int) -> np.ndarray:
    """`count` indices from `start` that turn round at the ends of `range(total)`."""
    period = max(1, 2 * total - 2)
    steps = np.arange(start, start + count) % period
    return np.asarray(np.where(steps < total, steps, period - steps))


def _at_least(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale frames uint8 `T H W 3` up, in proportion, until a crop of `height` x `width` fits."""
    scale = max(height / frames.shape[1], width / frames.shape[2])
    if scale <= 1:
        return frames
    size = (max(width, round(frames.shape[2] * scale)), max(height, round(frames.shape[1] * scale)))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames])


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
