"""A sensor with fewer pixels than the picture: recorded small, and scaled up at the end."""

import torch.nn.functional as F
from torch import Tensor

LEAST_SIDE = 8  # px; a picture is not scaled to less


def small_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Rows and columns of the small picture, even where they are fewer: codecs halve them for chroma.

    >>> small_size(240, 320, 0.5), small_size(7, 9, 1.0)
    ((120, 160), (7, 9))
    """
    rows, columns = (
        size if scale >= 1 else min(size, max(LEAST_SIDE, 2 * round(size * scale / 2))) for size in (height, width)
    )
    return rows, columns


def shrunk(clip: Tensor, scale: float) -> Tensor:
    """A clip `T C H W` at `scale` of its size, each pixel a mean of the area under it. 1 is the identity."""
    size = small_size(clip.shape[-2], clip.shape[-1], scale)
    if size == clip.shape[-2:]:
        return clip
    return F.interpolate(clip, size=size, mode="bilinear", align_corners=False, antialias=True)


def enlarged(clip: Tensor, size: tuple[int, int], *, mode: str = "bicubic") -> Tensor:
    """A clip `T C h w` at `size` (rows, columns), `bicubic` or `bilinear`, as players scale; its own size is the
    identity.

    >>> import torch
    >>> enlarged(shrunk(torch.ones(1, 3, 16, 20), 0.5), (16, 20)).unique().tolist()
    [1.0]
    """
    return clip if size == clip.shape[-2:] else F.interpolate(clip, size=size, mode=mode, align_corners=False)
