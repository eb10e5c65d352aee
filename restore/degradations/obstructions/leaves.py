"""Leaves and branches that hang before a camera, out of its focus, and sway in the wind.

A bough is drawn once, then each frame bends it: it turns about its root, and every part of it flutters in a phase of
its own.
"""

import math

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torch.nn.functional import grid_sample

from restore.degradations.obstructions.chance import integer, log_uniform, uniform
from restore.degradations.obstructions.layers import Cover
from restore.degradations.obstructions.noise import fractal_noise, smoothstep
from restore.degradations.obstructions.stamps import around, paste, stroke

# Blades in RGB [0, 1]: spring, summer, late summer, autumn twice, against the light, under infrared.
BLADES = (
    (0.40, 0.58, 0.20),
    (0.17, 0.36, 0.12),
    (0.30, 0.40, 0.14),
    (0.68, 0.45, 0.12),
    (0.52, 0.24, 0.11),
    (0.07, 0.09, 0.06),
    (0.72, 0.72, 0.70),
)
BARK = (0.21, 0.16, 0.11, 1.0)  # RGB and alpha
BORDER = 0.2  # of the frame's sides, drawn around it so that swaying brings no edge into sight
SHARPEST = 480  # px of the shorter side that boughs are drawn at; nothing so close to a lens is sharper


def draw_leaves(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Cover:
    """One to three boughs, the nearer before the farther; `first` frames of the wind are past."""
    share = log_uniform(generator, 0.06, 0.6)
    boughs = integer(generator, 1, 3)
    blade = torch.tensor(BLADES[integer(generator, 0, len(BLADES) - 1)])
    side = integer(generator, 0, 3)  # of the frame, that they hang in from
    scale = min(1.0, SHARPEST / min(height, width))
    size = [math.ceil(extent * scale * (1 + 2 * BORDER)) for extent in (height, width)]
    picture = torch.zeros(frames, 4, height, width, device=device)  # colour times alpha, alpha
    for _ in range(boughs):
        bough, root = _draw_bough(size, share / boughs, blade, side, generator, device)
        nearest = _sway(bough, root, range(first, first + frames), (height, width), generator)
        picture = nearest + picture * (1 - nearest[:, 3:])
    alpha = picture[:, 3:].clamp(0, 1)
    colour = picture[:, :3] / picture[:, 3:].clamp(min=1e-3)
    return Cover(colour.clamp(0, 1) * 2 - 1, alpha)


def _draw_bough(
    size: list[int], share: float, blade: Tensor, side: int, generator: torch.Generator, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """A twig with leaves on both sides: `4 H W` in [0, 1], RGB times alpha and alpha; and its root (row, column)."""
    extent = torch.tensor(size, dtype=torch.float32)
    inner = min(size) / (1 + 2 * BORDER)  # px of the frame's shorter side
    length = log_uniform(generator, 0.09, 0.3) * inner  # of a leaf
    ratio = uniform(generator, 0.14, 0.3)  # of its half width to its length

    # The twig, from just inside the border of the canvas towards its middle.
    along = uniform(generator, 0.2, 0.8)
    root = torch.tensor([(0.08, along), (along, 0.08), (along, 0.92), (0.92, along)][side]) * extent
    aim = extent * torch.tensor([uniform(generator, 0.3, 0.7), uniform(generator, 0.3, 0.7)]) - root
    heading = aim / aim.norm().clamp(min=1)
    across = torch.stack([-heading[1], heading[0]])
    reach = uniform(generator, 0.55, 1.0) * max(aim.norm().item(), inner / 2)
    bend = uniform(generator, -0.35, 0.35) * reach

    # How many leaves cover that share of the frame, were they thrown at random.
    area = 1.3 * ratio * length**2
    frame = size[0] * size[1] / (1 + 2 * BORDER) ** 2
    count = min(80, max(3, round(-math.log(1 - share) * frame / area * 1.5)))
    at = torch.linspace(0.12, 1, count) + 0.06 * torch.randn(count, generator=generator)
    sides = torch.arange(count) % 2 * 2 - 1
    rows_of_leaves = max(1.0, count * length * 0.35 / reach)  # where they crowd, they stand farther out
    out = torch.rand(count, generator=generator) * 0.35 * length * rows_of_leaves * sides
    start = root + at[:, None] * reach * heading + (bend * at**2 + out)[:, None] * across
    turn = sides * (0.5 + 0.7 * torch.rand(count, generator=generator)) * (1.1 - 0.7 * at.clamp(0, 1))
    slope = math.atan2(heading[0], heading[1]) + torch.atan(2 * bend * at / reach) + turn
    slope += 0.25 * torch.randn(count, generator=generator)
    lengths = length * (0.65 + 0.5 * torch.rand(count, generator=generator))

    canvas = torch.zeros(4, *size, device=device)
    points = torch.linspace(0, 1, 24)[:, None]
    twig = root + points * reach * heading + bend * points**2 * across
    thickness = uniform(generator, 0.004, 0.012) * inner * (1.1 - points[:-1, 0])
    wood = torch.zeros(1, *size, device=device)
    stroke(wood[0], twig.tolist(), thickness.tolist())
    paste(canvas, torch.tensor(BARK, device=device).view(4, 1, 1).expand_as(canvas), wood, (0, 0))
    _draw_blades(canvas, start, slope, lengths, ratio, blade, generator)

    sigma = log_uniform(generator, 0.002, 0.022) * inner
    kernel = 2 * math.ceil(2.5 * sigma) + 1
    blurred: Tensor = gaussian_blur2d(canvas[None], (kernel, kernel), (sigma, sigma), border_type="constant")
    return blurred[0], root.to(device)


def _draw_blades(
    canvas: Tensor,
    start: Tensor,
    slope: Tensor,
    lengths: Tensor,
    ratio: float,
    blade: Tensor,
    generator: torch.Generator,
) -> None:
    """Leaves that spring from `start` (`N 2`), turned by `slope`, each with a midrib, veins and a shadow."""
    count, device = len(start), canvas.device
    lobes = integer(generator, 3, 5) if uniform(generator, 0, 1) < 0.3 else integer(generator, 9, 16)
    depth = 0.45 if lobes < 6 else uniform(generator, 0, 0.12)  # oaks; beeches and limes
    tone = 0.75 + 0.5 * torch.rand(count, 1, 1, generator=generator)
    # Leaves of one colour differ in hue, grey ones do not.
    hue = 0.35 * (blade.max() - blade.min()) * torch.randn(count, 3, 1, 1, generator=generator)
    curve = 0.25 * torch.randn(count, 1, 1, generator=generator)
    lit = torch.randn(count, 1, 1, generator=generator) * 0.2
    tone, hue, curve, lit, blade = (x.to(device) for x in (tone, hue, curve, lit, blade))

    heading = torch.stack([slope.sin(), slope.cos()], -1)  # down, right
    reach = math.ceil(0.75 * lengths.max().item()) + 2
    corners, offsets = around((start + heading * lengths[:, None] / 2).to(device), reach)
    long, sine, cosine = (x.to(device).view(-1, 1, 1) for x in (lengths, slope.sin(), slope.cos()))
    u = (offsets[:, 0] * sine + offsets[:, 1] * cosine) / long + 0.5  # N P P: 0 at the stalk, 1 at the tip
    v = (offsets[:, 0] * cosine - offsets[:, 1] * sine) / long - curve * (u - u * u)
    within = u.clamp(0, 1)
    scallop = 1 - depth * (0.5 + 0.5 * torch.cos(2 * math.pi * lobes * (within - v.abs())))
    half = ratio * torch.sin(math.pi * within**0.75).clamp(min=0) * scallop * (1 - 0.3 * within**6)
    inside = torch.minimum(half - v.abs(), torch.minimum(u, 1 - u)) * long  # px, about
    stalk = torch.minimum(0.012 - v.abs(), torch.minimum(u + 0.22, 0.3 - u)) * long
    alpha = (torch.maximum(inside, stalk) + 0.5).clamp(0, 1)

    midrib = torch.exp(-((v / 0.014) ** 2)) * (1 - 0.7 * within)
    phase = (u - 0.9 * v.abs()) * 9
    veins = torch.exp(-(((phase - phase.floor() - 0.5) / 0.1) ** 2)) * 0.4
    light = (
        tone * (1 + lit * torch.tanh(v * 30) + 0.3 * lit * (u - 0.5) * 2) * (0.8 + 0.2 * smoothstep(inside / long * 8))
    )
    light = light * (1 + 0.45 * torch.maximum(midrib, veins))
    colour = ((blade.view(1, 3, 1, 1) * (1 + hue)) * light[:, None]).clamp(0, 1)
    patches = torch.cat([colour, torch.ones_like(colour[:, :1])], 1)
    shadow = 0.45 * smoothstep(inside / (0.15 * long) + 0.7)
    for corner, patch, shade, cover in zip(corners, patches, shadow, alpha, strict=True):
        # A shadow darkens what lies below, not what shows between.
        paste(canvas[:3], torch.zeros_like(patch[:3]), shade[None], (corner[0] + 2, corner[1] + 1))
        paste(canvas, patch, cover[None], corner)


def _sway(bough: Tensor, root: Tensor, times: range, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """The bough at each of `times`: `T 4 H W`, the frame without the margin around it."""
    (height, width), (rows, columns), device = size, bough.shape[1:], bough.device
    swing = uniform(generator, 0.008, 0.035)  # radians
    pace = uniform(generator, 0.08, 0.22)  # radians of the wind's phase a frame
    flutter = uniform(generator, 0.003, 0.011) * min(rows, columns)
    begin = uniform(generator, 0, 6.28)
    drawn = {"height": 32, "width": 32, "cells": (4, 4), "octaves": 1, "generator": generator, "device": device}
    phases = torch.stack([fractal_noise(**drawn), fractal_noise(**drawn)]) * 9  # type: ignore[arg-type]
    phases = torch.nn.functional.interpolate(phases[None], size, mode="bilinear")[0]  # 2 H W

    time = torch.tensor([float(t) for t in times], device=device).view(-1, 1, 1) * pace + begin
    angle = swing * (time.sin() + 0.45 * (2.3 * time + 1).sin())
    y = torch.linspace(-0.5, 0.5, height, device=device).view(1, -1, 1) * (rows - 1) / (1 + 2 * BORDER)
    x = torch.linspace(-0.5, 0.5, width, device=device).view(1, 1, -1) * (columns - 1) / (1 + 2 * BORDER)
    y, x = y + rows / 2 - root[0], x + columns / 2 - root[1]
    turned_y = y * angle.cos() + x * angle.sin() + root[0] + flutter * (3.1 * time + phases[0]).sin()
    turned_x = x * angle.cos() - y * angle.sin() + root[1] + flutter * (2.7 * time + phases[1]).sin()
    grid = torch.stack([(2 * turned_x + 1) / columns - 1, (2 * turned_y + 1) / rows - 1], -1)  # T H W 2
    return grid_sample(bough.expand(len(times), -1, -1, -1), grid, align_corners=False)
