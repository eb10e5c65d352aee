"""Blur, obstruct, add noise and compress a batch of clean clips; the true mask comes with them.

The order is that of a camera: the lens blurs, something stands before the sensor's picture, the sensor adds noise, the
recorder compresses.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from restore.degradations.blur import defocus
from restore.degradations.boxes import MOTION_SHARES, draw_boxes, paint_mask
from restore.degradations.codec import compressed, draw_codec
from restore.kinds import BOX_MOTIONS


@dataclass(frozen=True)
class Range:
    """What a strength may be: `typical` for `Ranges.typical_share` of the clips, else uniform in [least, most]."""

    least: float
    typical: float
    most: float


@dataclass(frozen=True)
class Ranges:
    """How badly clips are degraded. The typical values are those of the pix2pix seed."""

    blur: Range = Range(0.0, 1.4, 2.5)  # sigma in px of a Gaussian
    noise: Range = Range(0.0, 15.0, 30.0)  # sigma in levels of 255
    box_level: Range = Range(64.0, 128.0, 192.0)  # grey level of the boxes
    box_sides: tuple[float, float] = (0.15, 0.30)  # shares of the frame's sides
    box_count: int = 3
    heavy_side: float = 0.45
    compressed_share: float = 0.1  # of the clips, each by a codec and at a quality of its own
    typical_share: float = 0.6


def degrade(
    clips: Tensor,
    *,
    generator: torch.Generator,
    ranges: Ranges = Ranges(),
    kind: str | None = None,
    frame_size: Tensor | None = None,
    offsets: Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Degrade clean clips.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1].
        generator: a CPU generator; the same seed gives the same degradation on any device, but for the noise, which is
            drawn on the CPU too and moved.
        ranges: how badly.
        kind: one of `BOX_MOTIONS` for all clips; None draws one for each.
        frame_size: `B 2`, (rows, columns) of the frames that the clips are cropped from, if they are crops: boxes are
            as large and as many as they would be in the whole frame, and a crop sees what falls into it.
        offsets: `B 2`, row and column of each crop's corner in its frame; needed with `frame_size`.
        mask: `B T 1 H W`, what is hidden; None draws boxes.

    Returns:
        The degraded clips `B T 3 H W`, on the 8-bit levels that a file would hold, in [-1, 1]; and the true masks
        `B T 1 H W`, 1 where the picture is hidden.
    """
    batch, device = len(clips), clips.device

    blur = draw_strength(ranges.blur, ranges, generator=generator, count=batch)
    if mask is None:
        mask = _draw_masks(clips.shape, ranges, kind, frame_size, offsets, generator)
    mask = mask.to(device)
    level = draw_strength(ranges.box_level, ranges, generator=generator, count=batch)
    noise = draw_strength(ranges.noise, ranges, generator=generator, count=batch)
    x = apply(clips, mask, blur=blur, level=level, noise=noise, generator=generator)

    compress_some(x, ranges, generator=generator)
    return x, mask


def compress_some(clips: Tensor, ranges: Ranges, *, generator: torch.Generator) -> None:
    """Compress a share of clips `B T 3 H W` in place, each by a codec and at a quality that are drawn for it."""
    chosen = torch.rand(len(clips), generator=generator) < ranges.compressed_share
    for index in chosen.nonzero().flatten().tolist():
        encoder, quality, preset = draw_codec(generator=generator)
        clips[index] = compressed(clips[index], encoder=encoder, quality=quality, preset=preset)


def draw_strength(strength: Range, ranges: Ranges, *, generator: torch.Generator, count: int) -> Tensor:
    """How strong it is for each of `count` clips."""
    return torch.stack([_draw(strength, ranges, generator) for _ in range(count)])


def apply(
    clips: Tensor, mask: Tensor, *, blur: Tensor, level: Tensor, noise: Tensor, generator: torch.Generator
) -> Tensor:
    """Blur, obstruct and add noise, each clip by its own strengths.

    Args:
        clips: `B T 3 H W`, RGB in [-1, 1].
        mask: `B T 1 H W`, 1 where the picture is hidden.
        blur: `B`, sigma in px of the Gaussian.
        level: `B`, grey level of 255 of what hides the picture.
        noise: `B`, sigma in levels of 255.
        generator: a CPU generator; draws the noise.

    Returns:
        `B T 3 H W`, on the 8-bit levels that a file would hold, in [-1, 1].

    >>> clip, mask = torch.zeros(1, 2, 3, 8, 8), torch.ones(1, 2, 1, 8, 8)
    >>> white = apply(
    ...     clip, mask, blur=torch.zeros(1), level=torch.full((1,), 255.0), noise=torch.zeros(1),
    ...     generator=torch.Generator(),
    ... )
    >>> white.min().item()
    1.0
    """
    x = defocus(clips, blur)
    grey = level.to(clips.device) / 127.5 - 1
    x = torch.lerp(x, grey.view(-1, 1, 1, 1, 1).expand_as(x), mask)
    return add_noise(x, noise, generator=generator)


def add_noise(clips: Tensor, sigma: Tensor, *, generator: torch.Generator) -> Tensor:
    """Add noise to each of `clips`, `B T 3 H W` in [-1, 1], of its own `sigma`, `B` in levels of 255; the result is on
    8-bit levels. `generator` is a CPU generator.
    """
    sigma = (sigma.to(clips.device) / 127.5).view(-1, 1, 1, 1, 1)
    return _quantise(clips + torch.randn(clips.shape, generator=generator).to(clips.device) * sigma)


def _draw_masks(
    shape: torch.Size,
    ranges: Ranges,
    kind: str | None,
    frame_size: Tensor | None,
    offsets: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    batch, frames, _, height, width = shape
    masks = []
    for index in range(batch):
        drawn = kind or BOX_MOTIONS[int(torch.multinomial(torch.tensor(MOTION_SHARES), 1, generator=generator))]
        rows, columns = (height, width) if frame_size is None else frame_size[index].tolist()
        boxes = draw_boxes(
            kind=drawn,
            frames=frames,
            height=rows,
            width=columns,
            count=ranges.box_count,
            sides=ranges.box_sides,
            heavy_side=ranges.heavy_side,
            generator=generator,
        )
        if offsets is not None:
            boxes = boxes - offsets[index].repeat(2)
        masks.append(paint_mask(boxes, height, width))
    return torch.stack(masks)


def _draw(strength: Range, ranges: Ranges, generator: torch.Generator) -> Tensor:
    typical, uniform = torch.rand(2, generator=generator)
    if typical < ranges.typical_share:
        return torch.tensor(strength.typical)
    return strength.least + (strength.most - strength.least) * uniform


def _quantise(x: Tensor) -> Tensor:
    return ((x + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1
