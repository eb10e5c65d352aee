"""Shapes and value ranges, and the two crossings between them.

Letters used everywhere: `B` clips, `T` frames, `C` channels, `H` rows, `W` columns.
Pictures are RGB: uint8 `H W C` in [0, 255] at the edges of the package (files, OpenCV), float in [-1, 1] inside models.
A mask is 1 where the picture is hidden and 0 where it is seen.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

UNIT_LEVELS = 127.5  # levels of 255 in one unit of [-1, 1]


def to_float(frames: np.ndarray) -> Tensor:
    """Pictures uint8 `... H W C` in [0, 255] => float32 tensor `... C H W` in [-1, 1].

    >>> to_float(np.full((2, 3, 3), 255, np.uint8)).shape, to_float(np.zeros((1, 1, 3), np.uint8)).min().item()
    (torch.Size([3, 2, 3]), -1.0)
    """
    if frames.dtype != np.uint8:
        raise ValueError(f"pictures must be uint8, got {frames.dtype}")
    return torch.from_numpy(frames).movedim(-1, -3).float().div_(127.5).sub_(1)


def to_uint8(frames: Tensor) -> np.ndarray:
    """Float `... C H W` in [-1, 1] (values outside are clipped) => uint8 `... H W C` in [0, 255], rounded once.

    >>> to_uint8(torch.tensor([-1.0, 0.0, 2.0]).view(3, 1, 1)).tolist()
    [[[0, 128, 255]]]
    """
    levels = frames.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255)
    return np.ascontiguousarray(levels.byte().movedim(-3, -1).cpu().numpy())


def frames_at_once(height: int, width: int) -> int:
    """How many frames of this size a network sees at once: 4, as more gain no speed on a CPU, and fewer of large ones,
    whose evidence alone is 191 MB a frame at 1920x1080.

    >>> frames_at_once(240, 320), frames_at_once(480, 640), frames_at_once(1080, 1920)
    (4, 1, 1)
    """
    return min(4, max(1, 4 * 240 * 320 // (height * width)))


def interleave(parts: Sequence[Tensor], out: Tensor) -> None:
    """Write pictures `B C H W`, best in channels-last order, one after another into the channels of `out`, `B H W C`.

    All are float32 on one device. On a CPU `cv2.merge` takes half the time of `torch.cat`.

    >>> out = torch.empty(1, 1, 1, 3)
    >>> interleave([torch.full((1, 2, 1, 1), 5.0), torch.zeros(1, 1, 1, 1)], out)
    >>> out.tolist()
    [[[[5.0, 5.0, 0.0]]]]
    """
    pictures = [part.movedim(1, -1) for part in parts]
    if out.device.type != "cpu":
        torch.cat(pictures, -1, out=out)
        return
    for index, picture in enumerate(out):
        cv2.merge([part[index].numpy() for part in pictures], picture.numpy())


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend `B C H W` at the right and the bottom, repeating the border, until H and W are multiples of `multiple`.

    Undo it with `x[..., :H, :W]`.

    >>> pad_to_multiple(torch.zeros(1, 3, 5, 8), 4).shape
    torch.Size([1, 3, 8, 8])
    """
    height, width = x.shape[-2:]
    if height % multiple == 0 and width % multiple == 0:
        return x  # F.pad would copy it
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
