"""What a segmenter has to tell apart: clips with obstructions before them, with grey boxes, and with nothing at all.

The order is that of a camera, as in `degrade.py`.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from restore.degradations.blur import defocus
from restore.degradations.degrade import Range, Ranges, add_noise, compress_some, degrade, draw_strength
from restore.degradations.obstructions.draw import obstruct
from restore.kinds import BOXES, KINDS

NONE = Range(0.0, 0.0, 0.0)
# How often each kind is drawn, relative to the others: what is hard to see more often than what is easy.
OFTEN = {"leaves": 2.0, "boxes": 1.0, "dirt": 3.0, "drops": 1.5, "flare": 1.5, "scratches": 2.0, "text": 1.0}
assert tuple(OFTEN) == KINDS


@dataclass(frozen=True)
class Shares:
    """Of the clips: those with obstructions, one to three kinds at once, and those with nothing before them; the others
    have grey boxes. Of all of them: those that are neither blurred nor noisy.
    """

    obstructed: float = 0.65
    clear: float = 0.25
    sharp: float = 0.4


@dataclass(frozen=True)
class Mixed:
    """Degraded clips `B T 3 H W` in [-1, 1], what is hidden `B T 1 H W`, and by what, int64 `B T H W`: an index into
    `KINDS`, meaningless where nothing is hidden.
    """

    clips: Tensor
    mask: Tensor
    kinds: Tensor


def degrade_mixed(
    clips: Tensor,
    *,
    generator: torch.Generator,
    shares: Shares,
    ranges: Ranges,
    frame_size: Tensor | None = None,
    offsets: Tensor | None = None,
) -> Mixed:
    """Degrade clean clips, each in a way of its own.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1].
        generator: a CPU generator; the same seed degrades alike.
        shares: how many are degraded in which way.
        ranges: how badly those that are not sharp.
        frame_size, offsets: see `degrade`.
    """
    lots = torch.rand(2, len(clips), generator=generator)
    sharp = replace(ranges, blur=NONE, noise=NONE)
    results = []
    for index, (clip, lot, other) in enumerate(zip(clips.split(1), *lots.tolist(), strict=True)):
        badly = sharp if other < shares.sharp else ranges
        if lot < shares.obstructed:
            results.append(_obstructed(clip, badly, generator))
            continue
        clear = torch.zeros_like(clip[:, :, :1]) if lot < shares.obstructed + shares.clear else None
        degraded, mask = degrade(
            clip,
            generator=generator,
            ranges=badly,
            frame_size=None if frame_size is None else frame_size[index : index + 1],
            offsets=None if offsets is None else offsets[index : index + 1],
            mask=clear,
        )
        results.append((degraded, mask, torch.full_like(mask[:, :, 0], BOXES, dtype=torch.long)))
    return Mixed(*(torch.cat(parts) for parts in zip(*results, strict=True)))


def _obstructed(clip: Tensor, ranges: Ranges, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """One clip `1 T 3 H W`: the fields of `Mixed`."""
    blur, noise = (draw_strength(x, ranges, generator=generator, count=1) for x in (ranges.blur, ranges.noise))
    before = obstruct(defocus(clip, blur), generator=generator, kinds=draw_kinds(generator=generator))
    degraded = add_noise(before.clips, noise, generator=generator)
    compress_some(degraded, ranges, generator=generator)
    return degraded, before.mask, strongest(before.kinds)


def draw_kinds(*, generator: torch.Generator) -> list[str]:
    """One to three of `KINDS`."""
    count = 1 + int(torch.randint(3, (), generator=generator))
    drawn = torch.multinomial(torch.tensor(list(OFTEN.values())), count, generator=generator)
    return [KINDS[index] for index in drawn]


def strongest(kinds: Tensor) -> Tensor:
    """Shares `B T K H W` => the index of the greatest, the first of equals, int64 `B T H W`.

    What `argmax` gives; on a CPU that takes four times as long, as it is slow along any axis but the last.
    """
    greatest, which = kinds[:, :, 0], torch.zeros_like(kinds[:, :, 0], dtype=torch.long)
    for index in range(1, kinds.shape[2]):
        greater = kinds[:, :, index] > greatest
        greatest = torch.where(greater, kinds[:, :, index], greatest)
        which.masked_fill_(greater, index)
    return which
