"""Grey boxes before the scene: what hides it in the pix2pix seed, and the plainest thing that can hide one."""

import torch
from torch import Tensor

# How often each of `BOX_MOTIONS` is drawn: the hidden scene is what there is most to learn about.
MOTION_SHARES = (0.1, 0.25, 0.25, 0.15, 0.25)


def draw_boxes(
    *,
    kind: str,
    frames: int,
    height: int,
    width: int,
    count: int,
    sides: tuple[float, float],
    heavy_side: float,
    generator: torch.Generator,
    first: int = 0,
) -> Tensor:
    """Boxes over one clip, float `T N 4`: (top, left, bottom, right) in whole pixels.

    Args:
        kind: `none`; `static`: stay where they are; `moving`: each goes at a constant 1..4 px a frame in y and x and
            bounces off the border; `random`: drawn anew for each frame; `heavy`: one static box.
        count: boxes a frame, but for `none` and `heavy`.
        sides: least and greatest side, as shares of the frame's.
        heavy_side: side of the heavy box, as a share of the frame's.
        first: frames of the video before the clip; the same seed gives the same boxes, further on their way.
    """
    if kind == "none":
        return torch.zeros(frames, 0, 4)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator)

    extent = torch.tensor([height, width], dtype=torch.float32)
    count = 1 if kind == "heavy" else count
    least, most = (heavy_side, heavy_side) if kind == "heavy" else sides
    drawn = frames if kind == "random" else 1
    size = ((least + (most - least) * uniform(drawn, count, 2)) * extent).floor().clamp(min=1)  # rows, columns
    room = extent - size
    start = (uniform(drawn, count, 2) * (room + 1)).floor()
    if kind == "moving":
        speed = (1 + (uniform(1, count, 2) * 4).floor()) * (uniform(1, count, 2) < 0.5).float().mul(2).sub(1)
        path = start + speed * torch.arange(first, first + frames).view(-1, 1, 1)
        start = room - (path.remainder(2 * room.clamp(min=1)) - room).abs()  # a ball in a corridor, unfolded
    start, size = start.expand(frames, -1, -1), size.expand(frames, -1, -1)
    return torch.cat([start, start + size], -1)


def paint_mask(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes `... N 4` (top, left, bottom, right) => mask float `... 1 H W`, 1 where any box hides the picture."""
    rows = torch.arange(height, device=boxes.device).view(-1, 1)
    columns = torch.arange(width, device=boxes.device).view(1, -1)
    top, left, bottom, right = (side[..., None, None] for side in boxes.unbind(-1))
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)  # ... N H W
    return inside.any(-3).unsqueeze(-3).float()
