"""From clean windows to what the models learn from: degrade, find or know the mask, propagate, stack the evidence.

Runs ahead of the training step, in a thread. All of it depends only on the batch and the seed given, so that a resumed
run sees what an uninterrupted one would have seen.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.mix import Shares, degrade_mixed
from restore.detection.detect import detect_clip
from restore.models.finder import OcclusionFinder
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.propagation.engine import Tracked, sweep_backward, sweep_forward, track
from restore.propagation.evidence import CHANNELS, FRAME, evidence, to_tensor
from restore.tensors import to_uint8
from restore.training.augment import reframe, vary

SHARP_SHARE = 0.1  # of the clips of which some are obstructed: neither blurred nor noisy, to be left as they are
VARIED_SHARE = 0.5  # of the windows that a generator learns from: what is behind a hole could be learnt by heart
GIVEN_SHARE = 0.4  # of the windows whose true mask is handed over, as a user would; the finder masks the others


@dataclass(frozen=True)
class Pairs:
    """`N` frames to learn from: evidence `N 23 H W`, clean `N 3 H W` in [-1, 1], true mask `N 1 H W`."""

    evidence: Tensor
    clean: Tensor
    mask: Tensor


def seeded(*parts: int) -> torch.Generator:
    """A CPU generator that depends on nothing but `parts`."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(parts).generate_state(1)[0]))


def degraded_windows(
    batch: dict[str, Tensor],
    *,
    seed: tuple[int, ...],
    ranges: Ranges,
    device: torch.device,
    obstructed: float = 0.0,
    varied: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """Clean and degraded clips `B T 3 H W` in [-1, 1], masks `B T 1 H W`, and the generator to draw on with.

    Args:
        obstructed: the share of the clips that has obstructions of all kinds before them, the others grey boxes.
        varied: the share of the clips that is in other colours and framed anew.
    """
    generator = seeded(*seed)
    clean = batch["clips"].to(device).float() / 127.5 - 1
    some = torch.rand(len(clean), generator=generator) < varied
    if some.any():
        clean[some] = vary(reframe(clean[some], generator=generator), generator=generator)
    size, offsets = batch["frame_size"], batch["offsets"]
    if obstructed:
        shares = Shares(obstructed=obstructed, clear=0, sharp=SHARP_SHARE)
        mixed = degrade_mixed(
            clean, generator=generator, shares=shares, ranges=ranges, frame_size=size, offsets=offsets
        )
        return clean, mixed.clips, mixed.mask, generator
    degraded, mask = degrade(clean, generator=generator, ranges=ranges, frame_size=size, offsets=offsets)
    return clean, degraded, mask, generator


def find_masks(
    finder: OcclusionFinder,
    clips: Tensor,
    autocast: Callable[[], torch.autocast],
    segmenter: Segmenter | None = None,
) -> Tensor:
    """The masks `B T 1 H W` of clips `B T 3 H W`, as the restorer detects them."""

    def to_device(x: Tensor) -> Tensor:
        return x.to(clips.device, memory_format=torch.channels_last)

    masks = []
    with autocast():
        for images in to_uint8(clips):
            frames = detect_clip(images, finder, to_device=to_device, segmenter=segmenter)
            masks.append(np.stack([frame.mask for frame in frames if frame.mask is not None]))
    return torch.from_numpy(np.stack(masks))[:, :, None].to(clips.device)


def propagated_pairs(
    clean: Tensor,
    degraded: Tensor,
    true_mask: Tensor,
    known_mask: Tensor,
    *,
    picked: list[list[int]],
    pool: ThreadPoolExecutor,
) -> Pairs:
    """Propagate within each window and stack the evidence of the `picked` frames of each.

    Args:
        clean, degraded: `B T 3 H W` in [-1, 1].
        true_mask, known_mask: `B T 1 H W`; what is hidden, and what the restorer is told is hidden.
        picked: for each window, the indices of the frames to learn from.
        pool: OpenCV leaves Python's lock while it works, so windows run side by side.
    """
    images, masks = to_uint8(degraded), known_mask[:, :, 0].float().cpu().numpy()
    rows = [(window, frame) for window, frames in enumerate(picked) for frame in frames]
    windows, frames = (torch.tensor(index, device=clean.device) for index in zip(*rows, strict=True))
    stacks = np.empty((len(rows), *masks.shape[2:], CHANNELS), np.float32)
    list(pool.map(_stack, images, masks, picked, np.split(stacks, np.cumsum([len(x) for x in picked])[:-1])))
    return Pairs(to_tensor(stacks).to(clean.device), clean[windows, frames], true_mask[windows, frames])


def network_input(generator: nn.Module, stacks: Tensor) -> Tensor:
    """What a generator reads of the evidence `B 23 H W`: all of it, or for the classic U-Net only the frame."""
    return stacks[:, FRAME].contiguous() if isinstance(generator, Pix2PixUNet) else stacks


def _stack(images: np.ndarray, masks: np.ndarray, picked: list[int], stacks: np.ndarray) -> None:
    """Write the evidence of the `picked` frames of one window into `stacks`."""
    tracked: list[Tracked] = []
    for image, mask in zip(images, masks, strict=True):
        tracked.append(track(image, mask, tracked[-1] if tracked else None))
    before, _ = sweep_forward(tracked, None)
    after = sweep_backward(tracked, len(tracked))
    last = len(tracked) - 1
    for t, out in zip(picked, stacks, strict=True):
        evidence(tracked[t], images[max(0, t - 1)], images[min(last, t + 1)], before[t], after[t], out=out)
