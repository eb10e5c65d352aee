"""A lens out of focus, and a camera that moves while its shutter is open.

Strengths are in pixels of the picture that is degraded: they are what a network sees of a blur, whatever the size of
the picture that a crop comes from.
"""

import math

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

KERNEL = 7  # px; the least side of the Gaussian, as in the pix2pix seed
PATH_SAMPLES = 8  # a pixel of a motion's path


def defocus(clips: Tensor, sigma: Tensor) -> Tensor:
    """Blur each of `clips`, `B T 3 H W`, by a Gaussian of its own `sigma`, `B` in px: a lens that is slightly out of
    focus, or that resolves less than the sensor. 0 is the identity.

    >>> clip = torch.rand(1, 2, 3, 8, 8)
    >>> torch.equal(defocus(clip, torch.zeros(1)), clip)
    True
    """
    return torch.stack([_gaussian(clip, value) for clip, value in zip(clips, sigma.tolist(), strict=True)])


def out_of_focus(clip: Tensor, radius: float) -> Tensor:
    """Blur a clip `T 3 H W` as a wide aperture does: each point becomes a disc of `radius` px. 0 is the identity.

    >>> out_of_focus(torch.ones(2, 3, 9, 9), 2.5).mean().round(decimals=5)
    tensor(1.)
    """
    if radius <= 0:
        return clip
    reach = math.ceil(radius)
    at = torch.arange(-reach, reach + 1, dtype=clip.dtype)
    disc = (radius + 0.5 - torch.hypot(at[:, None], at)).clamp(0, 1)  # its border is one pixel wide
    return convolved(clip, (disc / disc.sum()).expand(len(clip), -1, -1))


def motion_blur(clip: Tensor, lengths: Tensor, angles: Tensor, *, bend: float = 0.0) -> Tensor:
    """Blur each frame of a clip `T 3 H W` along the path that the camera takes while the shutter is open.

    Args:
        lengths: `T`, px; 0 leaves the frame as it is.
        angles: `T`, radians from the x axis.
        bend: how far the middle of the path lies off its chord, as a share of the length; 0 is straight.

    >>> clip = torch.rand(2, 3, 16, 16)
    >>> torch.equal(motion_blur(clip, torch.zeros(2), torch.zeros(2)), clip)
    True
    """
    if not lengths.any():
        return clip
    side = 2 * math.ceil(float(lengths.max()) / 2 * (1 + abs(bend)) + 1) + 1
    kernels = [path_kernel(*path, bend=bend, side=side) for path in zip(lengths.tolist(), angles.tolist(), strict=True)]
    return convolved(clip, torch.stack(kernels).to(clip))


def path_kernel(length: float, angle: float, *, bend: float, side: int) -> Tensor:
    """The share of the time that a point spends on each pixel, `side side`, sum 1; its mean lies on the centre.

    >>> path_kernel(2.0, 0.0, bend=0.0, side=5)[2]
    tensor([0.0000, 0.2500, 0.5000, 0.2500, 0.0000])
    """
    count = max(2, 2 * round(PATH_SAMPLES * length / 2)) if length > 0 else 1
    along = (torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5  # -1/2..1/2 of the path
    across = bend * (1 - 4 * along.square())
    x = length * (along * math.cos(angle) - across * math.sin(angle))
    y = length * (along * math.sin(angle) + across * math.cos(angle))
    x, y = x - x.mean() + side // 2, y - y.mean() + side // 2
    grid = torch.arange(side, dtype=torch.float64)
    rows, columns = ((1 - (grid[:, None] - at).abs()).clamp(min=0) for at in (y, x))  # side N, bilinear
    return (rows @ columns.T / count).float()


def convolved(clip: Tensor, kernels: Tensor) -> Tensor:
    """Convolve each frame of `T C H W` with its kernel of `T k k`, k odd; the border is repeated outwards."""
    frames, channels, height, width = clip.shape
    reach = kernels.shape[-1] // 2
    padded = F.pad(clip, (reach, reach, reach, reach), mode="replicate")
    weight = kernels.repeat_interleave(channels, 0)[:, None]
    return F.conv2d(padded.flatten(0, 1)[None], weight, groups=frames * channels).view(frames, channels, height, width)


def _gaussian(clip: Tensor, sigma: float) -> Tensor:
    if sigma <= 0:
        return clip
    side = max(KERNEL, 2 * math.ceil(2 * sigma) + 1)
    blurred: Tensor = gaussian_blur2d(clip, (side, side), (max(sigma, 0.05),) * 2)
    return blurred
