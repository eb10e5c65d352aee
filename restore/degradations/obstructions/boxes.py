"""Grey boxes as an obstruction among others: those of `restore.degradations.boxes`, as a layer."""

import torch

from restore.degradations.boxes import draw_boxes, paint_mask
from restore.degradations.obstructions.chance import integer, uniform
from restore.degradations.obstructions.layers import Cover

CONTINUOUS_MOTIONS = ("static", "moving", "heavy")  # of `BOX_MOTIONS`: those that depend on the frame before


def draw_grey_boxes(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Cover:
    """One to three boxes of one grey, or a large one; `first` frames of their way are past."""
    grey = uniform(generator, 64, 192) / 127.5 - 1
    boxes = draw_boxes(
        kind=CONTINUOUS_MOTIONS[integer(generator, 0, len(CONTINUOUS_MOTIONS) - 1)],
        frames=frames,
        first=first,
        height=height,
        width=width,
        count=integer(generator, 1, 3),
        sides=(0.15, 0.30),
        heavy_side=uniform(generator, 0.3, 0.5),
        generator=generator,
    )
    alpha = paint_mask(boxes.to(device), height, width)
    return Cover(torch.full_like(alpha, grey).expand(-1, 3, -1, -1), alpha)
