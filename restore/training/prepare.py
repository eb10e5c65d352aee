"""From clean windows to what the generator learns from: degrade, detect or give the mask, propagate, stack evidence.

Runs ahead of the training step, in a thread. All of it depends only on the batch and the seed given, so that a resumed
run sees what an uninterrupted one would have seen.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.windows import DegradedWindows, degrade_windows
from restore.frame import Frame
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from restore.propagation.evidence import CHANNELS, to_tensor
from restore.tensors import to_uint8
from restore.training.augment import augmented
from restore.training.feed import normalised
from restore.training.in_use import detected, evidence_of, given

AUGMENTED_SHARE = 0.5  # of the windows that a generator learns from: what is behind a hole could be learned by heart
GIVEN_SHARE = 0.4  # of the windows whose true mask is handed over, as a user would; detection masks the others


@dataclass(frozen=True)
class Pairs:
    """`N` frames to learn from.

    Attributes:
        evidence: `N 23 H W`.
        clean: `N 3 H W` in [-1, 1], what is to come out; in low light it is as dark as the frame.
        mask: `N 1 H W`, what is hidden in truth.
        frames: the degraded frames with the mask that propagation went by, and their motion.
    """

    evidence: Tensor
    clean: Tensor
    mask: Tensor
    frames: list[Frame]


def seeded(*parts: int) -> torch.Generator:
    """A CPU generator that depends on nothing but `parts`."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(parts).generate_state(1)[0]))


def training_pairs(
    batch: dict[str, Tensor],
    *,
    seed: tuple[int, ...],
    frames: int,
    obstructed: float,
    finder: OcclusionFinder,
    segmenter: Segmenter | None,
    accelerator: Accelerator,
) -> Pairs:
    """What a generator learns from in one step.

    Args:
        batch: see `data.CleanWindows`.
        frames: how many of each window are learned from.
        obstructed: see `degrade_windows`.
        finder, segmenter: detect what is hidden, as in use, in the windows whose mask is not given.
    """
    draw = seeded(*seed)
    drawn = drawn_windows(batch, draw=draw, device=accelerator.device, obstructed=obstructed)
    count, length = drawn.clips.shape[:2]
    picked = [torch.randperm(length, generator=draw)[:frames].sort().values.tolist() for _ in range(count)]
    knows = (torch.rand(count, generator=draw) < GIVEN_SHARE).tolist()
    images, masks = to_uint8(drawn.clips), drawn.mask[:, :, 0].cpu().numpy()
    windows = [
        given(images[window], masks[window])
        if knows[window]
        else detected(images[window], finder, segmenter, accelerator)
        for window in range(count)
    ]
    return propagated_pairs(drawn.wanted, drawn.mask, windows, picked=picked)


def drawn_windows(
    batch: dict[str, Tensor], *, draw: torch.Generator, device: torch.device, obstructed: float
) -> DegradedWindows:
    """Windows augmented, half of them, and each degraded by a recipe of its own: see `degrade_windows`.

    Args:
        batch: see `data.CleanWindows`.
        draw: a CPU generator; draws everything.
    """
    # The same scene by the same camera, but for its shutter: what is augmented is both.
    both = torch.cat([normalised(batch[name], device) for name in ("clips", "recorded")], 1)  # B 2T 3 H W
    some = torch.rand(len(both), generator=draw) < AUGMENTED_SHARE
    if some.any():
        both[some] = augmented(both[some], generator=draw)
    clean, recorded = both.chunk(2, 1)
    return degrade_windows(
        clean,
        recorded,
        generator=draw,
        obstructed=obstructed,
        frame_size=batch["frame_size"],
        offsets=batch["offsets"],
    )


def degraded_windows(
    batch: dict[str, Tensor], *, seed: tuple[int, ...], ranges: Ranges, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Degraded clips `B T 3 H W` in [-1, 1], grey boxes before most of them, and the true masks `B T 1 H W`."""
    return degrade(
        normalised(batch["clips"], device),
        generator=seeded(*seed),
        ranges=ranges,
        frame_size=batch["frame_size"],
        offsets=batch["offsets"],
    )


def propagated_pairs(
    clean: Tensor, mask: Tensor, windows: Sequence[list[Frame]], *, picked: Sequence[Sequence[int]]
) -> Pairs:
    """Propagate within each window and stack the evidence of the `picked` frames of each.

    Args:
        clean: `B T 3 H W` in [-1, 1], what is to come out.
        mask: `B T 1 H W`, what is hidden in truth.
        windows: for each clip its degraded frames, with mask and scene.
        picked: for each window, the indices of the frames to learn from.
    """
    rows = [(window, frame) for window, frames in enumerate(picked) for frame in frames]
    stacks = np.empty((len(rows), *clean.shape[3:], CHANNELS), np.float32)  # 1.5 MB a frame at 128x128
    ends = np.cumsum([len(frames) for frames in picked])[:-1]
    with ThreadPoolExecutor(2) as pool:  # OpenCV leaves Python's lock while it works
        list(pool.map(_stack, windows, picked, np.split(stacks, ends)))
    window, frame = (torch.tensor(index, device=clean.device) for index in zip(*rows, strict=True))
    return Pairs(
        to_tensor(stacks).to(clean.device), clean[window, frame], mask[window, frame], [windows[w][t] for w, t in rows]
    )


def _stack(frames: Sequence[Frame], picked: Sequence[int], stacks: np.ndarray) -> None:
    """Write the evidence of the `picked` frames of one window into `stacks`."""
    found = evidence_of(frames)
    for t, out in zip(picked, stacks, strict=True):
        found[t].stack(out)
