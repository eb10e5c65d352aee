"""Lens flare and glare: a lamp or the sun, in view or not, blooms, streaks, and sends ghosts through the centre."""

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from restore.degradations.obstructions.chance import integer, log_uniform, uniform
from restore.degradations.obstructions.layers import Glare
from restore.degradations.obstructions.noise import smoothstep

# RGB in [0, 1]: sun, lamp, sodium street light, LED.
LAMPS = ((1.0, 0.96, 0.88), (1.0, 0.88, 0.68), (1.0, 0.74, 0.42), (0.86, 0.93, 1.0))
FINEST = 240  # px of the shorter side that light is drawn at; it has no edges that need more


def draw_flare(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Glare:
    """One lamp that drifts slowly; `first` frames of its way are past."""
    scale = min(1.0, FINEST / min(height, width))
    rows, columns = math.ceil(height * scale), math.ceil(width * scale)
    short = min(rows, columns)
    lamp = torch.tensor(LAMPS[integer(generator, 0, len(LAMPS) - 1)], device=device).view(1, 3, 1, 1)

    # The way of the lamp, in px from the centre of the frame, (down, right).
    time = torch.arange(first, first + frames).view(-1, 1)
    start = torch.tensor([uniform(generator, -0.5, 0.15), uniform(generator, -0.5, 0.5)])
    sway = torch.tensor([uniform(generator, 0.01, 0.04), uniform(generator, 0.03, 0.12)])
    phase = uniform(generator, 0, 6.28)
    pace = uniform(generator, 0.01, 0.04)  # radians a frame
    place = (start + sway * torch.sin(pace * time + phase)) * torch.tensor([rows, columns])  # T 2
    flicker = 1 + 0.04 * torch.sin(1.7 * time + phase).to(device).view(-1, 1, 1)

    y = torch.arange(rows, device=device).view(1, -1, 1) - (rows - 1) / 2
    x = torch.arange(columns, device=device).view(1, 1, -1) - (columns - 1) / 2
    down, right = (part.to(device).view(-1, 1, 1) for part in place.unbind(-1))
    dy, dx = y - down, x - right  # T H W
    distance = torch.hypot(dy, dx) / short

    # Bloom: a burnt-out core in a wide halo.
    core = log_uniform(generator, 0.05, 0.3)
    haze = uniform(generator, 0.1, 0.45)
    bloom = 1.6 * torch.exp(-((distance / core) ** 2)) + haze * torch.exp(-distance / (3 * core + 0.1))
    # Streaks: the blades of an iris, or one long line.
    if uniform(generator, 0, 1) < 0.6:
        rays = integer(generator, 2, 5)
        angle = torch.atan2(dy, dx) + uniform(generator, 0, math.pi)
        narrow = torch.cos(rays * angle).abs() ** (uniform(generator, 30, 90) / rays)
        streaks = 0.6 * narrow * torch.exp(-distance / (2.2 * core))
    else:
        thin = uniform(generator, 0.006, 0.02) * short
        streaks = 0.8 * torch.exp(-((dy / thin) ** 2) - dx.abs() / (uniform(generator, 0.3, 0.8) * columns))
    light = ((bloom + streaks) * flicker)[:, None] * lamp
    for _ in range(integer(generator, 3, 7)):
        light = light + _ghost(y, x, down, right, short, generator) * lamp

    light = interpolate(light, (height, width), mode="bilinear", align_corners=False)
    # What is dimmer than a level of 8 bits is no light.
    return Glare((light - 1 / 255).clamp(0, 1))


def _ghost(y: Tensor, x: Tensor, down: Tensor, right: Tensor, short: int, generator: torch.Generator) -> Tensor:
    """A reflection between lenses: a tinted disc or ring, `T 3 H W`, on the line from the lamp through the centre."""
    at = -uniform(generator, 0.2, 1.6)  # times the lamp's place
    radius = log_uniform(generator, 0.02, 0.14) * short
    edge = uniform(generator, 0.1, 0.5) * radius
    strength = log_uniform(generator, 0.08, 0.5)
    ring = uniform(generator, 0, 0.9)  # how empty its middle is
    tint = 0.3 + 0.7 * torch.rand(3, generator=generator)
    distance = torch.hypot(y - at * down, x - at * right)
    # Glass bends blue more than red, so that the rims part.
    parts = []
    for channel, size in enumerate((1.04, 1.0, 0.96)):
        disc = smoothstep((radius * size - distance) / edge + 0.5)
        hollow = 1 - ring * smoothstep((radius * size - distance) / (0.6 * radius))
        parts.append(strength * tint[channel].item() * disc * hollow)
    return torch.stack(parts, 1)
