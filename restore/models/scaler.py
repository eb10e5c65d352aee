"""The network that enlarges a frame with what its neighbours saw between its pixels: a small recurrent one, after FRVSR
(Sajjadi et al. 2018, arXiv 1801.04590) and BasicVSR (Chan et al. 2021, arXiv 2012.02181).

It works at the resolution of the small frame: enlarged pictures are pixel-unshuffled (Shi et al. 2016, arXiv
1609.05158).
It adds luma alone, as nearly all video has half of the resolution in its chroma, which bicubic enlargement gives back.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.models.padded import PaddedNetwork, zeros
from restore.models.unet import ResidualBlock

SCALE = 2  # of the sides; more is enlarged twice
TILE = 320  # px of the small picture, a side of what is computed at once: 20 MB a layer


class Scaler(PaddedNetwork):
    """`B in H W` => `B 4*(1+m) H W`: what is read of a frame (`enlarged`) => the luma to add, and the memory.

    Args:
        width: channels inside.
        blocks: residual blocks.
        memory: m, channels at the enlarged size that are carried from frame to frame beside the luma.

    The last layer starts at zero, so that an untrained network enlarges bicubically.
    """

    multiple = 1

    def __init__(self, *, width: int = 24, blocks: int = 4, memory: int = 3) -> None:
        super().__init__()
        self.memory, cells = memory, SCALE**2
        self.head = nn.Conv2d(3 + cells * (2 + memory), width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, cells * (1 + memory), 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """In use large pictures are computed in tiles that overlap by what reaches in, to the same result."""
        height, width = x.shape[-2:]
        if self.training or max(height, width) <= TILE:
            return super().forward(x)
        parts = [_parts(side, TILE, self.reach) for side in (height, width)]
        rows = []
        for above, below, top, bottom in parts[0]:
            line = [
                super(Scaler, self).forward(x[..., above:below, before:after])[
                    ..., top - above : bottom - above, left - before : right - before
                ]
                for before, after, left, right in parts[1]
            ]
            rows.append(torch.cat(line, -1))
        return torch.cat(rows, -2)

    @property
    def reach(self) -> int:
        """How many pixels of the small frame around one decide what becomes of it."""
        return 2 + 2 * len(self.body)

    def whole(self, x: Tensor, *features: Tensor) -> Tensor:
        return self.tail(self.body(F.relu(self.head(x))))

    def examples(self) -> tuple[Tensor, ...]:
        return (zeros(self.head.in_channels, 16),)


def _parts(length: int, most: int, reach: int) -> list[tuple[int, int, int, int]]:
    """A side cut into equal parts: for each what is read, from and to, of which the part itself, from and to. At most
    `most` is read, `reach` to each side of a part.

    >>> _parts(100, 60, 10)
    [(0, 44, 0, 34), (24, 77, 34, 67), (57, 100, 67, 100)]
    """
    count = 1 if length <= most else math.ceil(length / (most - 2 * reach))
    edges = [math.ceil(length * part / count) for part in range(count + 1)]
    return [(max(0, first - reach), min(length, end + reach), first, end) for first, end in pairwise(edges)]


def warped(picture: Tensor, vectors: Tensor, mode: str = "bilinear") -> Tensor:
    """A picture sampled along the motion, at twice the size of the vectors.

    Args:
        picture: `B C h w`, of any size: it is what the vectors' frame of reference points into, as a whole.
        vectors: `B 2 H W`, (x, y) in pixels of their own size.

    Returns:
        `B C 2H 2W`; beyond the border the nearest pixel.

    >>> picture = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 2, 8)
    >>> warped(picture, torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 4))[0, 0, 0].tolist()
    [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0]
    """
    height, width = vectors.shape[-2:]
    large = F.interpolate(vectors.float(), scale_factor=float(SCALE), mode="bilinear", align_corners=False)
    x = (torch.arange(width * SCALE, device=vectors.device) + 0.5) / SCALE
    y = (torch.arange(height * SCALE, device=vectors.device) + 0.5) / SCALE
    # Pixels from the corner => [-1, 1], as grid_sample has them.
    where = torch.stack([(large[:, 0] + x) * (2 / width) - 1, (large[:, 1] + y[:, None]) * (2 / height) - 1], -1)
    return F.grid_sample(picture, where.to(picture.dtype), mode=mode, padding_mode="border", align_corners=False)


def enlarged(
    scaler: Scaler,
    small: Tensor,
    following: Tensor,
    to_following: Tensor,
    to_previous: Tensor,
    state: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """One frame enlarged.

    Args:
        small, following: the frame and the next, `B 3 H W` in [-1, 1].
        to_following, to_previous: where its pixels lie in the next and in the previous frame, `B 2 H W`, (x, y) in px.
        state: what was returned for the previous frame; None for the first of a scene.

    Returns:
        `B 3 2H 2W` in [-1, 1], and the state for the next frame, `B 1+m 2H 2W`: luma and memory.
    """
    base = F.interpolate(small, scale_factor=float(SCALE), mode="bicubic", align_corners=False)  # B 3 2H 2W
    luma = base.mean(1, keepdim=True)
    future = warped(following.mean(1, keepdim=True), to_following, "bicubic") - luma
    if state is None:
        past = luma.new_zeros(len(luma), 1 + scaler.memory, *luma.shape[2:])
    else:
        # Cubic for the luma: a linear interpolation would take detail away at every frame.
        past = torch.cat(
            [
                warped(state[:, :1], to_previous, "bicubic") - luma,
                warped(state[:, 1:], to_previous),
            ],
            1,
        )
    seen = F.pixel_unshuffle(torch.cat([future, past], 1), SCALE)  # B 4*(2+m) H W
    result = F.pixel_shuffle(scaler(torch.cat([small, seen], 1)).float(), SCALE)  # B 1+m 2H 2W
    detail, memory = result[:, :1], result[:, 1:]
    # Bounded, as it goes round for as long as a scene lasts.
    state = torch.cat([(luma + detail).clamp(-1, 1), memory.tanh()], 1)
    return (base + detail).clamp(-1, 1), state


def enlarged_window(scaler: Scaler, small: Tensor, to_following: Tensor, to_previous: Tensor) -> Tensor:
    """A window of one scene enlarged, from its first frame: `B T 3 H W` in [-1, 1] => `B T 3 2H 2W`.

    Args:
        to_following, to_previous: `B T 2 H W`, as of `enlarged`; at the ends they are not read.
    """
    results, state, last = [], None, small.shape[1] - 1
    for t in range(last + 1):
        following, there = (small[:, t + 1], to_following[:, t]) if t < last else (small[:, t], to_following[:, t] * 0)
        result, state = enlarged(scaler, small[:, t], following, there, to_previous[:, t], state)
        results.append(result)
    return torch.stack(results, 1)
