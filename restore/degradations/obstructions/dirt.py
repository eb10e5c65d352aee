"""Dirt and mud on a lens: half transparent, out of focus, and still, for the lens carries them along."""

import math

import torch
from kornia.filters import gaussian_blur2d

from restore.degradations.obstructions.chance import integer, log_uniform, uniform
from restore.degradations.obstructions.layers import Cover
from restore.degradations.obstructions.noise import above, fractal_noise, smoothstep
from restore.degradations.obstructions.stamps import around, paste

# Mud in RGB [0, 1]: wet, loam, clay, dust, soot.
SOILS = ((0.20, 0.15, 0.10), (0.33, 0.24, 0.16), (0.48, 0.34, 0.22), (0.55, 0.50, 0.43), (0.10, 0.10, 0.10))


def draw_dirt(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Cover:
    """Blots with soft rims, splashes around them, and a thin film; `first` changes nothing, as nothing moves."""
    size = {"height": height, "width": width, "generator": generator, "device": device}
    short = min(height, width)
    share = log_uniform(generator, 0.04, 0.5)
    opacity = uniform(generator, 0.6, 0.97)
    soil = torch.tensor(SOILS[integer(generator, 0, len(SOILS) - 1)], device=device)

    # Blots: where the noise is highest, a wide slope of it making a wide rim.
    cells = log_uniform(generator, 1.5, 5)
    stretch = log_uniform(generator, 0.5, 2)  # wiped one way or the other
    heap = fractal_noise(cells=(cells * stretch, cells / stretch), octaves=5, **size)  # type: ignore[arg-type]
    rim = uniform(generator, 0.02, 0.12)
    over = above(heap, share)
    thick = smoothstep(over / rim + 0.5) * (0.75 + 0.25 * smoothstep(over / 0.2))

    # Splashes: round, small ones far more often than large ones.
    count = integer(generator, 10, 50)
    radii = torch.tensor([log_uniform(generator, 0.004, 0.03) for _ in range(count)]) * short
    centres = torch.rand(count, 2, generator=generator) * torch.tensor([height, width])
    outlines = torch.randn(count, 4, 1, 1, generator=generator).to(device)  # how lumpy, at two scales
    corners, offsets = around(centres.to(device), math.ceil(1.6 * radii.max().item()) + 2)
    angle = torch.atan2(offsets[:, 0], offsets[:, 1])
    lumpy = 1 + 0.1 * (outlines[:, 0] * torch.sin(2 * angle) + outlines[:, 1] * torch.cos(2 * angle))
    lumpy += 0.06 * (outlines[:, 2] * torch.sin(5 * angle) + outlines[:, 3] * torch.cos(5 * angle))
    spots = (radii.to(device).view(-1, 1, 1) * lumpy - offsets.norm(dim=1) + 0.5).clamp(0, 1)
    for corner, spot in zip(corners, spots, strict=True):
        paste(thick[None], torch.ones_like(spot)[None], spot[None], corner)

    # Thinner and thicker, lighter where dry; a film over part of the lens.
    grain = fractal_noise(cells=(12, 12), octaves=4, **size)  # type: ignore[arg-type]
    film = uniform(generator, 0, 0.5) * smoothstep(1.6 * fractal_noise(cells=(2, 2), octaves=3, **size) - 0.8)  # type: ignore[arg-type]
    alpha = torch.maximum(thick * opacity * (0.8 + 0.2 * grain), film)
    sigma = log_uniform(generator, 0.003, 0.015) * short
    kernel = min(2 * math.ceil(2.5 * sigma) + 1, 2 * (short // 2) - 1)
    alpha = gaussian_blur2d(alpha[None, None], (kernel, kernel), (sigma, sigma))
    dry = 0.65 + 0.7 * (0.6 * grain + 0.4 * (1 - heap))
    colour = (soil.view(1, 3, 1, 1) * dry).clamp(0, 1) * 2 - 1
    return Cover(colour.expand(frames, -1, -1, -1), alpha.expand(frames, -1, -1, -1))
