"""Put obstructions before clips, several kinds at once, and say exactly what each of them hides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from restore.degradations.obstructions.boxes import draw_grey_boxes
from restore.degradations.obstructions.chance import uniform
from restore.degradations.obstructions.dirt import draw_dirt
from restore.degradations.obstructions.drops import draw_drops
from restore.degradations.obstructions.flare import draw_flare
from restore.degradations.obstructions.layers import Glare, Layer, Lens
from restore.degradations.obstructions.leaves import draw_leaves
from restore.degradations.obstructions.rain import draw_rain
from restore.degradations.obstructions.scratches import draw_scratches
from restore.degradations.obstructions.text import draw_text
from restore.kinds import KINDS

RAIN_SHARE = 0.5  # of the clips with drops: many small ones


def draw_water(*, generator: torch.Generator, **where: Any) -> Lens:
    """A few large drops, or rain."""
    return (draw_rain if uniform(generator, 0, 1) < RAIN_SHARE else draw_drops)(generator=generator, **where)


DRAW: dict[str, Callable[..., Layer]] = {
    "leaves": draw_leaves,
    "boxes": draw_grey_boxes,
    "dirt": draw_dirt,
    "drops": draw_water,
    "flare": draw_flare,
    "scratches": draw_scratches,
    "text": draw_text,
}
assert tuple(DRAW) == KINDS
COVERED = 0.5  # alpha from which a pixel that is covered or refracted counts as hidden
OUTSHONE = 0.8  # the same for glare, through which the scene's own light is still visible below, if weakly


@dataclass(frozen=True)
class Obstructed:
    """Clips with something before them.

    Attributes:
        clips: `B T 3 H W`, RGB in [-1, 1]; where `alpha` is 0 the clean clip, bit for bit.
        alpha: `B T 1 H W` in [0, 1], the share of the scene's contrast that is gone, to all kinds.
        mask: `B T 1 H W`, 1 where the scene is hidden: covered and refracted by at least `COVERED`, or outshone by at
            least `OUTSHONE`.
        kinds: `B T K H W` in [0, 1], the share of each pixel that each of `KINDS` has; their sum is `alpha`.
    """

    clips: Tensor
    alpha: Tensor
    mask: Tensor
    kinds: Tensor


def obstruct(
    clips: Tensor, *, generator: torch.Generator, kinds: Sequence[str] | None = None, first: int = 0
) -> Obstructed:
    """Obstruct clean clips, each in its own way.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1].
        generator: a CPU generator; the same seed obstructs alike on any device, up to rounding.
        kinds: some of `KINDS`, all before each clip; None draws two or three for each.
        first: frames of the video before the clips; the same seed goes on from where the frames before left off.

    Raises:
        ValueError: a kind is unknown.

    >>> clean = torch.zeros(1, 2, 3, 32, 48)
    >>> bad = obstruct(clean, generator=torch.Generator().manual_seed(1), kinds=["dirt", "text"])
    >>> bad.clips.shape, bad.kinds.shape
    (torch.Size([1, 2, 3, 32, 48]), torch.Size([1, 2, 7, 32, 48]))
    """
    if unknown := [kind for kind in kinds or () if kind not in DRAW]:
        raise ValueError(f"unknown obstruction {unknown[0]}, expected some of {', '.join(KINDS)}")
    results = []
    for clip in clips:
        drawn = kinds
        if drawn is None:
            count = 2 + int(torch.randint(2, (), generator=generator))
            drawn = [KINDS[index] for index in torch.randperm(len(KINDS), generator=generator)[:count]]
        results.append(_obstruct_one(clip, drawn, generator, first))
    return Obstructed(*(torch.stack(parts) for parts in zip(*results, strict=True)))


def _obstruct_one(
    clip: Tensor, drawn: Sequence[str], generator: torch.Generator, first: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One clip `T 3 H W`: the fields of `Obstructed`, without their batch."""
    frames, _, height, width = clip.shape
    shares = clip.new_zeros(frames, len(KINDS), height, width)
    seen = unglared = clip.new_ones(frames, 1, height, width)  # past covers and lenses, past glare
    for index, kind in enumerate(KINDS):
        if kind not in drawn:
            continue
        layer = DRAW[kind](
            frames=frames, height=height, width=width, generator=generator, first=first, device=clip.device
        )
        clip = layer.over(clip)
        shares = shares * (1 - layer.alpha)
        shares[:, index] = layer.alpha[:, 0]
        if isinstance(layer, Glare):
            unglared = unglared * (1 - layer.alpha)
        else:
            seen = seen * (1 - layer.alpha)
    mask = (1 - seen >= COVERED) | (1 - unglared >= OUTSHONE)
    return clip, shares.sum(1, keepdim=True), mask.float(), shares
