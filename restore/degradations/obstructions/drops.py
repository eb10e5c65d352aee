"""Water drops on a lens: each shows the scene upside down and smaller, brighter, with a dark rim and highlights.

A drop is taken for a ball lens: towards its rim it sees farther and farther out on the other side. Most stay, some
slide.
"""

import math

import torch
from torch import Tensor

from restore.degradations.obstructions.chance import integer, log_uniform
from restore.degradations.obstructions.layers import Lens
from restore.degradations.obstructions.noise import smoothstep
from restore.degradations.obstructions.stamps import around, paste


def draw_drops(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Lens:
    """Drops on 3 to 40 % of the frame, less where they overlap; those that slide have slid for `first` frames."""
    short = min(height, width)
    share = log_uniform(generator, 0.03, 0.4)
    largest = log_uniform(generator, 0.05, 0.15) * short
    soft = log_uniform(generator, 0.006, 0.025) * short  # px that a rim out of focus is wide
    radii: list[float] = []
    wanted = share * height * width
    while wanted > 0 and len(radii) < 150:
        radii.append(largest * log_uniform(generator, 0.15, 1))
        wanted -= math.pi * radii[-1] ** 2
    count = len(radii)
    places = torch.rand(count, 2, generator=generator) * torch.tensor([height, width])
    outlines = torch.rand(count, 3, generator=generator)
    sliding = min(integer(generator, 0, 3), count)
    pace = torch.tensor([log_uniform(generator, 0.002, 0.015) * short for _ in range(sliding)])  # px a frame

    radius = torch.tensor(radii)
    still = torch.zeros(5, height, width, device=device)  # shift, gain, light, alpha
    _paste_drops(still, places[sliding:], radius[sliding:], outlines[sliding:], soft)
    maps = still.expand(frames, -1, -1, -1).clone()
    for index in range(frames if sliding else 0):
        time = first + index
        # It sticks and lets go, and comes in again at the top.
        slid = pace * (time + 4 * math.sin(0.25 * time))
        run = height + 4 * radius[:sliding]
        rows = (places[:sliding, 0] + slid + 2 * radius[:sliding]).remainder(run) - 2 * radius[:sliding]
        now = torch.stack([rows, places[:sliding, 1]], -1)
        _paste_drops(maps[index], now, radius[:sliding], outlines[:sliding], soft, tall=1.35)
    return Lens(maps[:, :2], 1 + maps[:, 2:3], maps[:, 3:4], maps[:, 4:])


def _paste_drops(
    maps: Tensor, centres: Tensor, radii: Tensor, outlines: Tensor, soft: float, *, tall: float = 1.0
) -> None:
    """Draw drops at `centres` (`N 2`) into `maps` (`5 H W`: shift x and y in px, gain - 1, light, alpha)."""
    if not len(centres):
        return
    device = maps.device
    corners, offsets = around(centres.to(device), math.ceil(1.5 * tall * radii.max().item() + soft) + 1)
    size, outline = radii.to(device).view(-1, 1, 1), 2 * math.pi * outlines.to(device)[..., None, None]
    y, x = offsets[:, 0] / tall, offsets[:, 1]
    if tall > 1:  # narrower above, where it came from
        x = x * (1 - 0.25 * (y / size).clamp(-1, 1))
    angle = torch.atan2(y, x)
    lumpy = 1 + 0.06 * torch.sin(2 * angle + outline[:, 0]) + 0.05 * torch.sin(3 * angle + outline[:, 1])
    from_centre = torch.hypot(y, x) / (size * lumpy)  # N P P, 1 at the rim
    depth = (1 - from_centre.square()).clamp(min=0).sqrt()  # of the water

    alpha = smoothstep((1 - from_centre) * size / soft + 0.5)
    far = -4.0 / (0.35 + depth)  # how far it sees past its centre, on the other side
    shift = torch.stack([far * x, far * y], 1)
    gain = 0.25 - 0.6 * smoothstep(from_centre * 2.5 - 1.5) * (1 - 0.5 * y / size)
    # A window's reflection above, and the light gathered below.
    glint = torch.exp(-(((y + 0.42 * size) / (0.2 * size)) ** 2) - ((x + 0.3 * size) / (0.24 * size)) ** 2)
    crescent = torch.exp(-(((from_centre - 0.78) / 0.1) ** 2)) * smoothstep(y / size * 1.6 - 0.2)
    light = (0.9 * glint + 0.4 * crescent).clamp(0, 0.95)
    patches = torch.cat([shift, torch.stack([gain, light, torch.ones_like(gain)], 1)], 1)  # N 5 P P
    for corner, patch, cover in zip(corners, patches, alpha, strict=True):
        # The refracted picture does not fade at the rim, only its share does.
        paste(maps[:4], patch[:4], (cover > 0).float()[None], corner)
        paste(maps[4:], patch[4:], cover[None], corner)
