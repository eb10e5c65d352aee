"""The three ways in which light is lost before a sensor: something covers the scene, bends it, or outshines it.

A layer has an alpha, float `T 1 H W` in [0, 1]: the share of the scene's contrast that is gone. Where it is 0, the
layer leaves a clip as it is, bit for bit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, grid_sample


@dataclass(frozen=True)
class Cover:
    """Stands before the scene: leaves, dirt, scratches, text, boxes.

    Attributes:
        colour: `T 3 H W`, RGB in [-1, 1].
        alpha: `T 1 H W` in [0, 1], how opaque it is.

    >>> half = Cover(torch.ones(1, 3, 2, 2), torch.full((1, 1, 2, 2), 0.5))
    >>> half.over(torch.zeros(1, 3, 2, 2)).unique().item()
    0.5
    """

    colour: Tensor
    alpha: Tensor

    def over(self, clip: Tensor) -> Tensor:
        """The clip `T 3 H W`, RGB in [-1, 1], seen behind the layer."""
        return torch.lerp(clip, self.colour, self.alpha)


@dataclass(frozen=True)
class Lens:
    """Shows another part of the scene than the one behind it: water drops.

    Attributes:
        shift: `T 2 H W`, (x, y) px to the pixel that is seen instead; the scene is mirrored at its borders.
        gain: `T 1 H W`, what its brightness is multiplied by.
        light: `T 1 H W` in [0, 1], white highlights on top.
        alpha: `T 1 H W` in [0, 1], 1 where nothing is seen past the lens.
    """

    shift: Tensor
    gain: Tensor
    light: Tensor
    alpha: Tensor

    def over(self, clip: Tensor) -> Tensor:
        """The clip `T 3 H W`, RGB in [-1, 1], seen through the layer."""
        height, width = clip.shape[-2:]
        rows = torch.arange(height, device=clip.device).view(-1, 1)
        columns = torch.arange(width, device=clip.device).view(1, -1)
        x = (2 * (columns + self.shift[:, 0]) + 1) / width - 1
        y = (2 * (rows + self.shift[:, 1]) + 1) / height - 1
        # A drop shows the scene several times smaller: taken from half the resolution, fine detail does not alias.
        small = adaptive_avg_pool2d(clip, ((height + 1) // 2, (width + 1) // 2))
        seen = grid_sample(small, torch.stack([x, y], -1), padding_mode="reflection", align_corners=False)
        seen = ((seen + 1) * self.gain - 1).clamp(-1, 1)
        return torch.lerp(clip, torch.lerp(seen, torch.ones_like(seen), self.light), self.alpha)


@dataclass(frozen=True)
class Glare:
    """Outshines the scene: flare. Added as "screen", 1 - (1 - x)(1 - light) for x in [0, 1], which no light overflows.

    Attributes:
        light: `T 3 H W` in [0, 1].
    """

    light: Tensor

    @property
    def alpha(self) -> Tensor:
        """`T 1 H W`: the screen takes this much of the scene's contrast."""
        return self.light.mean(1, keepdim=True)

    def over(self, clip: Tensor) -> Tensor:
        """The clip `T 3 H W`, RGB in [-1, 1], with the light on it."""
        return clip + (1 - clip) * self.light


Layer = Cover | Lens | Glare
