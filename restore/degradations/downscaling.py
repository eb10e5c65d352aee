"""A picture recorded with fewer pixels, in the ways that this happens: a sensor, a player, an encoder's ladder."""

import torch
import torch.nn.functional as F
from torch import Tensor

from restore.degradations.blur import defocus

# How often each is drawn. `bicubic` and `bilinear` average over what they leave out; `aliased` does not, as in cheap
# recorders.
KERNELS = {"bicubic": 0.5, "area": 0.2, "bilinear": 0.15, "aliased": 0.15}
BLUR_SHARE = 0.35  # of the clips, that are blurred before
BLURS = 0.0, 0.8  # least and greatest sigma, in px of the small picture


def downscaled(clip: Tensor, scale: int, *, kernel: str, blur: float = 0.0) -> Tensor:
    """A clip `T C H W` in [-1, 1], its sides multiples of `scale` => `T C H/scale W/scale`.

    Args:
        kernel: one of `KERNELS`.
        blur: sigma of a Gaussian before, in px of the large picture.

    >>> downscaled(torch.ones(1, 3, 8, 12), 2, kernel="area").shape
    torch.Size([1, 3, 4, 6])
    """
    if blur:
        clip = defocus(clip[None], torch.tensor([blur]))[0]
    if kernel == "area":
        return F.avg_pool2d(clip, scale)
    mode = "bilinear" if kernel == "bilinear" else "bicubic"
    factor = 1 / scale
    small = F.interpolate(clip, scale_factor=factor, mode=mode, antialias=kernel != "aliased", align_corners=False)
    return small.clamp(-1, 1)


def draw_downscaling(scale: int, *, generator: torch.Generator) -> tuple[str, float]:
    """A kernel, and the sigma of the blur before it, mostly 0."""
    kernel = list(KERNELS)[int(torch.multinomial(torch.tensor(list(KERNELS.values())), 1, generator=generator))]
    lot, strength = torch.rand(2, generator=generator).tolist()
    least, greatest = BLURS
    return kernel, scale * (least + (greatest - least) * strength) if lot < BLUR_SHARE else 0.0
