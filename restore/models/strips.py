"""A U-Net of a large picture in strips: what its first level holds, which is most of its memory, is never whole.

Strips overlap by what the convolutions of that level reach, and all below it is computed whole. So each pixel is the
sum of the same products as in the whole picture: there are no seams, and nothing to blend.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.models.unet import ResidualBlock, UNet

# Of a picture, `B C h W` of some rows, and the features that the first level is given with them: `B C h/u W/u`.
Rows = Callable[[slice], tuple[Tensor, Sequence[Tensor]]]


def strips(height: int, rows: int) -> list[slice]:
    """A picture's rows in parts of so many, from the top; the last may have fewer.

    >>> strips(100, 64)
    [slice(0, 64, None), slice(64, 100, None)]
    """
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def in_strips(unet: UNet, picture: Rows, height: int, *, rows: int) -> Iterator[tuple[slice, Tensor]]:
    """What `unet.whole` makes of a picture, as pairs of rows and their part of it, `B out rows W`.

    Args:
        unet: of two levels at least; features are for the first alone.
        picture: its rows; each is asked for twice and more, a strip and what is around it at once.
        height: rows of the picture, a multiple of `unet.multiple`, as its width is.
        rows: of a strip; a multiple of two of the network's cells.
    """
    cell = 2 * unet.unshuffle  # px that a row of the second level stands for
    assert height % unet.multiple == 0 and rows % cell == 0, f"{rows} rows of {height} are no whole cells of {cell}"
    margin = cell * -(-reach(unet) // cell)

    def first(part: slice) -> tuple[Tensor, slice]:
        """The first level's encoder on a strip and what is around it, and the rows of that."""
        wide = slice(max(0, part.start - margin), min(height, part.stop + margin))
        x, features = picture(wide)
        return unet.down(0, F.relu(unet.head(x)), features), wide

    def inner(part: slice, wide: slice, size: int) -> slice:
        """Where a strip is in what is around it, in rows of `size` pixels."""
        return slice((part.start - wide.start) // size, (part.stop - wide.start) // size)

    down = []
    for part in strips(height, rows):
        x, wide = first(part)
        down.append(unet.downs[0](x)[:, :, inner(part, wide, cell)])
    deeper = torch.cat(down, 2)  # B widths[1] H/2u W/2u
    del down, x
    deeper = unet.level(1, deeper)
    for part in strips(height, rows):
        skip, wide = first(part)
        x = unet.up(0, deeper[:, :, wide.start // cell : wide.stop // cell], skip)
        yield part, F.pixel_shuffle(unet.tail(x), unet.unshuffle)[:, :, inner(part, wide, 1)]


def reach(unet: UNet) -> int:
    """Rows around a pixel that the first level's layers read, from the picture to the output."""
    sides = (unet.encoders[0], unet.decoders[0])
    convolutions = sum(2 for side in sides for block in side.modules() if isinstance(block, ResidualBlock))
    return unet.unshuffle * (convolutions + 3)  # and the head, the merging one and the tail, 3x3 each
