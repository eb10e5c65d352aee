"""The finder's logits of a large picture, of which neither the network nor its input is ever whole in memory."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from restore.models.finder import OcclusionFinder
from restore.models.strips import in_strips
from restore.tensors import interleave, pad_to_multiple, to_float


def logits_in_strips(
    finder: OcclusionFinder, images: Sequence[np.ndarray], to_device: Callable[[Tensor], Tensor], *, rows: int
) -> Tensor:
    """float32 `H W`, as of the whole picture.

    Args:
        images: uint8 `H W 3`, the frame between its neighbours.
        to_device: moves pictures `1 3 H W` to the finder.
        rows: of a strip, a multiple of 16.
    """
    unet = finder.unet
    height, width = images[0].shape[:2]
    tall = height + -height % unet.multiple
    dtype = next(unet.parameters()).dtype

    def picture(part: slice) -> tuple[Tensor, Sequence[Tensor]]:
        # Rows beyond the picture repeat its last one, as in `pad_to_multiple`.
        at = np.minimum(np.arange(part.start, part.stop), height - 1)
        pixels = [to_device(to_float(image[at][None])) for image in images]
        stack = pixels[0].new_empty(1, len(at), width, 9)
        interleave(pixels, stack)
        return pad_to_multiple(stack.movedim(-1, 1), unet.multiple).to(dtype), []

    logits = torch.empty(0)
    for part, x in in_strips(unet, picture, tall, rows=rows):
        if not logits.numel():
            logits = x.new_empty(height, width, dtype=torch.float32)
        own = slice(part.start, min(part.stop, height))
        logits[own] = x[0, 0, : own.stop - own.start, :width].float()
    return logits
