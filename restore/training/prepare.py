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
from restore.degradations.mix import Shares, degrade_mixed
from restore.frame import Frame
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from restore.propagation.evidence import CHANNELS, to_tensor
from restore.tensors import to_uint8
from restore.training.augment import augmented
from restore.training.feed import normalised
from restore.training.in_use import detected, evidence_of, given

SHARP_SHARE = 0.1  # of the clips of which some are obstructed: neither blurred nor noisy, to be left as they are
AUGMENTED_SHARE = 0.5  # of the windows that a generator learns from: what is behind a hole could be learned by heart
GIVEN_SHARE = 0.4  # of the windows whose true mask is handed over, as a user would; detection masks the others


@dataclass(frozen=True)
class Pairs:
    """`N` frames to learn from.

    Attributes:
        evidence: `N 23 H W`.
        clean: `N 3 H W` in [-1, 1].
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
        obstructed: see `degraded_windows`.
        finder, segmenter: detect what is hidden, as in use, in the windows whose mask is not given.
    """
    clean, degraded, mask, draw = degraded_windows(
        batch,
        seed=seed,
        ranges=Ranges(),
        device=accelerator.device,
        obstructed=obstructed,
        augmented_share=AUGMENTED_SHARE,
    )
    count, length = clean.shape[:2]
    picked = [torch.randperm(length, generator=draw)[:frames].sort().values.tolist() for _ in range(count)]
    knows = (torch.rand(count, generator=draw) < GIVEN_SHARE).tolist()
    images, masks = to_uint8(degraded), mask[:, :, 0].cpu().numpy()
    windows = [
        given(images[window], masks[window])
        if knows[window]
        else detected(images[window], finder, segmenter, accelerator)
        for window in range(count)
    ]
    return propagated_pairs(clean, mask, windows, picked=picked)


def degraded_windows(
    batch: dict[str, Tensor],
    *,
    seed: tuple[int, ...],
    ranges: Ranges,
    device: torch.device,
    obstructed: float = 0.0,
    augmented_share: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """Clean and degraded clips `B T 3 H W` in [-1, 1], masks `B T 1 H W`, and the generator to draw on with.

    Args:
        obstructed: the share of the clips that has obstructions of all kinds before them, the others grey boxes.
        augmented_share: of the clips, in other colours and framed anew.
    """
    generator = seeded(*seed)
    clean = normalised(batch["clips"], device)
    some = torch.rand(len(clean), generator=generator) < augmented_share
    if some.any():
        clean[some] = augmented(clean[some], generator=generator)
    size, offsets = batch["frame_size"], batch["offsets"]
    if obstructed:
        shares = Shares(obstructed=obstructed, clear=0, sharp=SHARP_SHARE)
        mixed = degrade_mixed(
            clean, generator=generator, shares=shares, ranges=ranges, frame_size=size, offsets=offsets
        )
        return clean, mixed.clips, mixed.mask, generator
    degraded, mask = degrade(clean, generator=generator, ranges=ranges, frame_size=size, offsets=offsets)
    return clean, degraded, mask, generator


def propagated_pairs(
    clean: Tensor, mask: Tensor, windows: Sequence[list[Frame]], *, picked: Sequence[Sequence[int]]
) -> Pairs:
    """Propagate within each window and stack the evidence of the `picked` frames of each.

    Args:
        clean: `B T 3 H W` in [-1, 1].
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
