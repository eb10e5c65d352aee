"""From clean windows to what the generator learns from: degrade, detect or give the mask, propagate, stack evidence.

Runs ahead of the training step, in the processes that decode: see `PreparedPairs`. All of it depends only on the
windows and the seed given, so that a resumed run sees what an uninterrupted one would have seen.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from restore.degradations.degrade import Ranges, degrade
from restore.degradations.recipe import Recipe, draw_recipe
from restore.degradations.windows import DegradedWindows, degrade_windows
from restore.frame import Frame
from restore.models.finder import OcclusionFinder
from restore.models.generator import changeable
from restore.models.segmenter import Segmenter
from restore.propagation.evidence import CHANNELS, to_tensor
from restore.tensors import to_uint8
from restore.training.augment import recoloured, reframed
from restore.training.data import CleanWindows
from restore.training.feed import normalised
from restore.training.in_use import detected, evidence_of, given

# Of the windows that a generator learns from. What is interpolated is soft, as many originals are: with none of it the
# generator sharpens them too much, with half of it sharp ones too little.
REFRAMED_SHARE = 0.25
RECOLOURED_SHARE = 0.5  # of the windows that a generator learns from: what is behind a hole could be learned by heart
CPU = torch.device("cpu")
GIVEN_SHARE = 0.4  # of the windows whose true mask is handed over, as a user would; detection masks the others


@dataclass(frozen=True)
class Pairs:
    """`N` frames to learn from.

    Attributes:
        evidence: `N 23 H W`.
        clean: `N 3 H W` in [-1, 1], what is to come out; in low light it is as dark as the frame.
        mask: `N 1 H W`, what is hidden in truth.
    """

    evidence: Tensor
    clean: Tensor
    mask: Tensor

    def picked(self, rows: Tensor) -> "Pairs":
        """Those of the `rows`, by number or by truth."""
        return Pairs(self.evidence[rows], self.clean[rows], self.mask[rows])

    def to(self, device: torch.device) -> "Pairs":
        """On a device, in full precision, evidence channels last in memory."""
        evidence, clean, mask = (x.to(device).float() for x in (self.evidence, self.clean, self.mask))
        return Pairs(evidence.contiguous(memory_format=torch.channels_last), clean, mask)


class PreparedPairs(Dataset[Pairs]):
    """What the generator learns from of one video, or of one shot of a photograph: `half`, as it is held by the
    thousand. A worker prepares it, so that as many cores as there are keep up with a GPU.

    An item is asked for by (epoch, video index), as of `CleanWindows`, and depends on nothing but that and the seed.

    Args:
        windows: what is degraded.
        frames: how many of each window are learned from.
        obstructed: see `degrade_windows`.
        gated: for a `GatedGenerator`. Of the frames of a window that it returns as they are, whatever its weights, one
            is enough.
        finder, segmenter: detect what is hidden, as in use, in the windows whose mask is not given; on the CPU.
    """

    def __init__(
        self,
        windows: CleanWindows,
        *,
        frames: int,
        obstructed: float,
        gated: bool,
        finder: OcclusionFinder,
        segmenter: Segmenter | None,
    ) -> None:
        self.windows, self.frames, self.obstructed, self.gated = windows, frames, obstructed, gated
        self.finder, self.segmenter = finder, segmenter
        self.videos, self.seed = windows.videos, windows.seed

    def __len__(self) -> int:
        return len(self.windows)

    @torch.no_grad()
    def __getitem__(self, key: tuple[int, int]) -> Pairs:
        pairs = training_pairs(
            self.windows[key],
            seed=(self.seed, 2, *key),
            frames=self.frames,
            obstructed=self.obstructed,
            finder=self.finder,
            segmenter=self.segmenter,
        )
        if self.gated:
            pairs = pairs.picked(_worth(pairs.evidence, self.frames))
        return Pairs(pairs.evidence.half(), pairs.clean.half(), pairs.mask.half())


def joined(pairs: Sequence[Pairs]) -> Pairs:
    """The pairs of several videos as one batch."""
    return Pairs(*(torch.cat(parts) for parts in zip(*((p.evidence, p.clean, p.mask) for p in pairs), strict=True)))


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
) -> Pairs:
    """What a generator learns from of some windows.

    Args:
        batch: see `data.CleanWindows`.
        frames: how many of each window are learned from.
        obstructed: see `degrade_windows`.
        finder, segmenter: detect what is hidden, as in use, in the windows whose mask is not given.
    """
    draw = seeded(*seed)
    drawn = drawn_windows(batch, draw=draw, device=CPU, obstructed=obstructed)
    count, length = drawn.clips.shape[:2]
    picked = [torch.randperm(length, generator=draw)[:frames].sort().values.tolist() for _ in range(count)]
    knows = (torch.rand(count, generator=draw) < GIVEN_SHARE).tolist()
    images, masks = to_uint8(drawn.clips), drawn.mask[:, :, 0].cpu().numpy()
    windows = [
        given(images[window], masks[window]) if knows[window] else detected(images[window], finder, segmenter)
        for window in range(count)
    ]
    return propagated_pairs(drawn.wanted, drawn.mask, windows, picked=picked)


def drawn_windows(
    batch: dict[str, Tensor],
    *,
    draw: torch.Generator,
    device: torch.device,
    recipes: Callable[..., Recipe] = draw_recipe,
    obstructed: float = 0.0,
) -> DegradedWindows:
    """Windows recoloured and reframed, some of them, and each degraded by a recipe of its own: see `degrade_windows`.

    Args:
        batch: see `data.CleanWindows`.
        draw: a CPU generator; draws everything.
        recipes, obstructed: see `degrade_windows`.
    """
    # The same scene by the same camera, but for its shutter: what is changed is both.
    both = torch.cat([normalised(batch[name], device) for name in ("clips", "recorded")], 1)  # B 2T 3 H W
    for change, share in ((recoloured, RECOLOURED_SHARE), (reframed, REFRAMED_SHARE)):
        some = torch.rand(len(both), generator=draw) < share
        if some.any():
            both[some] = change(both[some], generator=draw)
    clean, recorded = both.chunk(2, 1)
    return degrade_windows(
        clean,
        recorded,
        generator=draw,
        recipes=recipes,
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
    return Pairs(to_tensor(stacks).to(clean.device), clean[window, frame], mask[window, frame])


def _worth(evidence: Tensor, frames: int) -> Tensor:
    """bool `N`: the frames that a gated generator can change; of a window's `frames` without any, the first."""
    others = changeable(evidence).view(-1, frames)
    return torch.cat([others[:, :1] | ~others.any(1, keepdim=True), others[:, 1:]], 1).flatten()


def _stack(frames: Sequence[Frame], picked: Sequence[int], stacks: np.ndarray) -> None:
    """Write the evidence of the `picked` frames of one window into `stacks`."""
    found = evidence_of(frames)
    for t, out in zip(picked, stacks, strict=True):
        found[t].stack(out)
