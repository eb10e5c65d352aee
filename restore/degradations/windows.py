"""A batch of windows, each degraded by a recipe of its own, boxes before some of them: what a generator that is to harm
nothing learns from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from restore.degradations.boxes import KINDS, SHARES, draw_boxes, paint_mask
from restore.degradations.degrade import Ranges
from restore.degradations.low_light import dimmed
from restore.degradations.recipe import Recipe, degraded, draw_recipe

HIDDEN = 0.35  # share of the windows that boxes are before; none of those that are not degraded at all
BOXES_ALONE = 0.15  # of them: nothing else is wrong


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
    frame_size: Tensor | None = None,
    offsets: Tensor | None = None,
    ranges: Ranges = Ranges(),  # noqa: B008  frozen
) -> DegradedWindows:
    """Degrade each window in its own way, or not at all.

    Args:
        clean: `B T 3 H W`, RGB in [-1, 1].
        recorded: the same with the blur of an open shutter, where there was one; such a window is not blurred again.
        generator: a CPU generator; the same seed degrades alike on any device.
        frame_size, offsets: see `degrade.degrade`.
        ranges: of the boxes.
    """
    results = []
    for index, (sharp, camera) in enumerate(zip(clean, recorded, strict=True)):
        recipe = draw_recipe(generator=generator)
        hidden, alone, grey = torch.rand(3, generator=generator).tolist()
        blurred = not torch.equal(sharp, camera)
        mask = torch.zeros_like(sharp[:, :1])
        if recipe != Recipe() and hidden < HIDDEN:
            recipe = Recipe() if alone < BOXES_ALONE else recipe
            size = sharp.shape[-2:] if frame_size is None else frame_size[index].tolist()
            corner = torch.zeros(2) if offsets is None else offsets[index]
            mask = _boxes(sharp, size, corner, ranges, generator).to(sharp)
        if blurred:
            recipe = replace(recipe, defocus=0.0, radius=0.0, motion=0.0)
        level = ranges.box_level.least + (ranges.box_level.most - ranges.box_level.least) * grey
        bad = degraded(camera, recipe, generator=generator, mask=mask, level=level).clip
        results.append((bad, dimmed(sharp, recipe.light), mask))
    return DegradedWindows(*(torch.stack(parts) for parts in zip(*results, strict=True)))


def _boxes(clip: Tensor, size: Sequence[int], corner: Tensor, ranges: Ranges, generator: torch.Generator) -> Tensor:
    """The mask `T 1 H W` of boxes over a frame of a `size`, as the crop `clip` with this `corner` sees them."""
    shares = torch.tensor(SHARES[1:])  # a box is before the scene
    boxes = draw_boxes(
        kind=KINDS[1 + int(torch.multinomial(shares, 1, generator=generator))],
        frames=len(clip),
        height=size[0],
        width=size[1],
        count=ranges.box_count,
        sides=ranges.box_sides,
        heavy_side=ranges.heavy_side,
        generator=generator,
    )
    return paint_mask(boxes - corner.repeat(2), clip.shape[-2], clip.shape[-1])
