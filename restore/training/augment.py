"""Augmentation: the same scenes by another camera, from elsewhere, at another hour, lest few are learned by heart."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

GREY_SHARE = 0.15  # of the clips: without colour
ZOOM = 0.8, 1.6  # least and greatest
TURN = 8.0  # degrees, the deviation of


def augmented(clips: Tensor, *, generator: torch.Generator) -> Tensor:
    """Clips `B T 3 H W` in [-1, 1], reframed and recoloured, each in its own way, alike in all its frames.

    >>> augmented(torch.ones(1, 2, 3, 4, 4), generator=torch.Generator()).shape
    torch.Size([1, 2, 3, 4, 4])
    """
    return recoloured(reframed(clips, generator=generator), generator=generator)


def recoloured(clips: Tensor, *, generator: torch.Generator) -> Tensor:
    """Change each clip's colours, brightness and contrast in its own way, alike in all its frames.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1]; so is the result.
        generator: a CPU generator.

    >>> recoloured(torch.ones(1, 2, 3, 4, 4), generator=torch.Generator()).shape
    torch.Size([1, 2, 3, 4, 4])
    """
    draws = torch.rand(len(clips), generator=generator)
    saturation = torch.where(draws < GREY_SHARE, 0.0, 0.4 + draws)
    gain = (
        0.15 * torch.randn(len(clips), 1, generator=generator) + 0.08 * torch.randn(len(clips), 3, generator=generator)
    ).exp()
    gamma = (0.25 * torch.randn(len(clips), generator=generator)).exp()
    saturation, gain, gamma = (x.to(clips.device).view(len(clips), 1, -1, 1, 1) for x in (saturation, gain, gamma))

    x = (clips + 1) / 2
    x = torch.lerp(x.mean(2, keepdim=True).expand_as(x), x, saturation)
    return (x * gain).clamp_(0, 1).pow_(gamma).mul_(2).sub_(1)


def reframed(clips: Tensor, *, generator: torch.Generator) -> Tensor:
    """Zoom into each clip or out of it, turn it, and move it, in its own way, alike in all its frames.

    What lies beyond its borders is mirrored.

    Args:
        clips: `B T 3 H W`; so is the result.
        generator: a CPU generator.

    >>> reframed(torch.ones(1, 2, 3, 4, 4), generator=torch.Generator()).unique().tolist()
    [1.0]
    """
    count, frames, _, height, width = clips.shape
    least, greatest = (math.log(zoom) for zoom in ZOOM)
    size = (least + (greatest - least) * torch.rand(count, generator=generator)).neg().exp()
    turn = math.radians(TURN) * torch.randn(count, generator=generator)
    move = (2 * torch.rand(count, 2, generator=generator) - 1) * (1 - size).abs()[:, None]
    sine, cosine = turn.sin() * size, turn.cos() * size
    rows = torch.stack([cosine, -sine * height / width, sine * width / height, cosine], 1).view(count, 2, 2)
    grid = F.affine_grid(torch.cat([rows, move[:, :, None]], 2), [count, 1, height, width], align_corners=False)
    planes = F.grid_sample(clips.flatten(1, 2), grid.to(clips.device), padding_mode="reflection", align_corners=False)
    return planes.unflatten(1, (frames, 3))
