"""A batch of windows, each degraded by a recipe of its own, boxes or obstructions before some of them: what a generator
that is to harm nothing learns from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from restore.degradations.boxes import MOTION_SHARES, draw_boxes, paint_mask
from restore.degradations.degrade import Ranges
from restore.degradations.mix import draw_kinds
from restore.degradations.obstructions.draw import obstruct
from restore.degradations.recipe import Recipe, captured, draw_recipe, through_lens, wanted
from restore.kinds import BOX_MOTIONS
from restore.tensors import UNIT_LEVELS

BOXED_SHARE = 0.42  # of the degraded windows without obstructions: boxes are before them
HIDDEN_ALONE = 0.15  # of the windows that something hides: nothing else is wrong


@dataclass(frozen=True)
class DegradedWindows:
    """Degraded windows and what to make of them, `B T 3 H W` in [-1, 1], and the true mask, `B T 1 H W`."""

    clips: Tensor
    wanted: Tensor
    mask: Tensor


def degrade_windows(
    clean: Tensor,
    recorded: Tensor,
    *,
    generator: torch.Generator,
    recipes: Callable[..., Recipe] = draw_recipe,
    obstructed: float = 0.0,
    frame_size: Tensor | None = None,
    offsets: Tensor | None = None,
    ranges: Ranges = Ranges(),  # noqa: B008  frozen
) -> DegradedWindows:
    """Degrade each window in its own way, or not at all.

    Args:
        clean: `B T 3 H W`, RGB in [-1, 1].
        recorded: the same with the blur of an open shutter, where there was one; such a window is not blurred again.
        generator: a CPU generator; the same seed degrades alike on any device.
        recipes: draws what is wrong with one window, called with `generator`.
        obstructed: the share of the degraded windows that leaves, dirt, drops and the like are before.
        frame_size, offsets: see `degrade.degrade`.
        ranges: of the boxes.

    >>> clean = torch.zeros(2, 3, 3, 32, 40)
    >>> degrade_windows(clean, clean, generator=torch.Generator()).mask.shape
    torch.Size([2, 3, 1, 32, 40])
    """
    results = []
    for index, (sharp, camera) in enumerate(zip(clean, recorded, strict=True)):
        recipe = recipes(generator=generator)
        lot, alone, grey = torch.rand(3, generator=generator).tolist()
        obstructs = recipe != Recipe() and lot < obstructed
        boxes = recipe != Recipe() and obstructed <= lot < obstructed + (1 - obstructed) * BOXED_SHARE
        if (obstructs or boxes) and alone < HIDDEN_ALONE:
            recipe = Recipe()
        if not torch.equal(sharp, camera):
            recipe = replace(recipe, defocus=0.0, radius=0.0, motion=0.0)

        x, mask = through_lens(camera, recipe), torch.zeros_like(sharp[:, :1])
        if obstructs:
            before = obstruct(x[None], generator=generator, kinds=draw_kinds(generator=generator))
            x, mask = before.clips[0], before.mask[0]
        if boxes:
            size = sharp.shape[-2:] if frame_size is None else frame_size[index].tolist()
            corner = torch.zeros(2) if offsets is None else offsets[index]
            mask = _boxes(sharp, size, corner, ranges, generator).to(sharp)
            level = ranges.box_level.least + (ranges.box_level.most - ranges.box_level.least) * grey
            x = torch.lerp(x, torch.full_like(x, level / UNIT_LEVELS - 1), mask.expand_as(x))
        results.append((captured(x, recipe, generator=generator), wanted(sharp, recipe), mask))
    return DegradedWindows(*(torch.stack(parts) for parts in zip(*results, strict=True)))


def _boxes(clip: Tensor, size: Sequence[int], corner: Tensor, ranges: Ranges, generator: torch.Generator) -> Tensor:
    """The mask `T 1 H W` of boxes over a frame of a `size`, as the crop `clip` with this `corner` sees them."""
    shares = torch.tensor(MOTION_SHARES[1:])  # a box is before the scene
    boxes = draw_boxes(
        kind=BOX_MOTIONS[1 + int(torch.multinomial(shares, 1, generator=generator))],
        frames=len(clip),
        height=size[0],
        width=size[1],
        count=ranges.box_count,
        sides=ranges.box_sides,
        heavy_side=ranges.heavy_side,
        generator=generator,
    )
    return paint_mask(boxes - corner.repeat(2), clip.shape[-2], clip.shape[-1])
