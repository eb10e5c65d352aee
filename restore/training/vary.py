"""The same scenes by another camera, at another hour: a few scenes are what a segmenter could learn by heart."""

import torch
from torch import Tensor

GREY_SHARE = 0.15  # of the clips: without colour


def vary(clips: Tensor, *, generator: torch.Generator) -> Tensor:
    """Change each clip's colours, brightness and contrast in its own way, alike in all its frames.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1]; so is the result.
        generator: a CPU generator.

    >>> vary(torch.ones(1, 2, 3, 4, 4), generator=torch.Generator()).shape
    torch.Size([1, 2, 3, 4, 4])
    """
    lots = torch.rand(len(clips), generator=generator)
    saturation = torch.where(lots < GREY_SHARE, 0.0, 0.4 + lots)
    gain = (
        0.15 * torch.randn(len(clips), 1, generator=generator) + 0.08 * torch.randn(len(clips), 3, generator=generator)
    ).exp()
    gamma = (0.25 * torch.randn(len(clips), generator=generator)).exp()
    saturation, gain, gamma = (x.to(clips.device).view(len(clips), 1, -1, 1, 1) for x in (saturation, gain, gamma))

    x = (clips + 1) / 2
    x = torch.lerp(x.mean(2, keepdim=True).expand_as(x), x, saturation)
    return (x * gain).clamp_(0, 1).pow_(gamma).mul_(2).sub_(1)
