"""Rain on a window: small drops by the hundred, new ones all the time, and some that run and leave a trail.

A drop so small shows most of the scene, upside down: light where the scene is dark below it and dark against the sky.
"""

import math

import torch
from torch import Tensor

from restore.degradations.obstructions.chance import integer, log_uniform, uniform
from restore.degradations.obstructions.layers import Lens
from restore.degradations.obstructions.noise import smoothstep
from restore.degradations.obstructions.stamps import around, paste, stroke

# Frames before and after the video's first one, between which drops fall: most are there from the first.
BORN = -200, 60


def draw_rain(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Lens:
    """80 to 600 drops of 0.6 to 4 % of the shorter side, as they are from frame `first` on."""
    short = min(height, width)
    count = int(log_uniform(generator, 80, 600))
    largest = log_uniform(generator, 0.015, 0.04) * short
    radii = largest * (0.006 * short / largest) ** torch.rand(count, generator=generator).sqrt()  # most are small
    places = torch.rand(count, 2, generator=generator) * torch.tensor([height, width])
    flat = 1 + 0.8 * torch.rand(count, generator=generator)  # how much wider than high, along the wind
    wind = uniform(generator, -0.6, 0.6) + 0.2 * torch.randn(count, generator=generator)
    born = BORN[0] + (BORN[1] - BORN[0]) * torch.rand(count, generator=generator).sort().values
    soft = log_uniform(generator, 0.003, 0.012) * short  # px that a rim out of focus is wide
    reach = torch.tensor([height, width]) * uniform(generator, 0.25, 0.5)
    runners = [_Runner(generator, height, width, largest) for _ in range(integer(generator, 0, 4))]

    def fall(maps: Tensor, which: Tensor) -> None:
        _paste(maps, radii[which], places[which], flat[which], wind[which], reach, soft)

    maps = torch.zeros(5, height, width, device=device)  # shift x and y, gain - 1, light, alpha
    fall(maps, born <= first)
    layers = []
    for time in range(first, first + frames):
        fall(maps, (born > max(first, time - 1)) & (born <= time))
        now = maps.clone()
        for runner in runners:
            runner.draw(now, time, reach, soft)
        layers.append(now)
    shift, gain, light, alpha = torch.stack(layers).split([2, 1, 1, 1], 1)
    return Lens(shift, 1 + gain, light, alpha)


class _Runner:
    """A drop that runs down, sideways by turns, and the trail behind it, which dries up slowly."""

    def __init__(self, generator: torch.Generator, height: int, width: int, largest: float) -> None:
        self.column, self.lean = uniform(generator, 0, width), uniform(generator, -0.6, 0.6)
        self.sway, self.bends = uniform(generator, 0.005, 0.03) * width, uniform(generator, 3, 9)
        self.phase = uniform(generator, 0, 6.28)
        self.radius = largest * uniform(generator, 0.6, 1.2)
        self.start, self.pace = uniform(generator, -60, 20), log_uniform(generator, 0.01, 0.08) * height
        self.height = height

    def draw(self, maps: Tensor, time: int, reach: Tensor, soft: float) -> None:
        """Into `maps`, as it is in frame `time`."""
        head = min(self.pace * (time - self.start), self.height + 2 * self.radius)
        if head <= 0:
            return
        points = [self._at(head * step / 24) for step in range(25)]
        trail = maps.new_zeros(maps.shape[1:])
        wide = max(1.6, 0.5 * self.radius)
        stroke(trail, points, [wide] * 24)
        side = torch.tensor([3 * self.radius, 0, -0.3, 0.05], device=maps.device).view(4, 1, 1).expand_as(maps[:4])
        paste(maps[:4], side, (trail > 0).float()[None], (0, 0))
        paste(maps[4:], maps.new_ones(maps[4:].shape), 0.8 * trail[None], (0, 0))
        radius, place = torch.tensor([self.radius]), torch.tensor([points[-1]])
        _paste(maps, radius, place, torch.tensor([0.75]), torch.zeros(1), reach, soft)

    def _at(self, row: float) -> tuple[float, float]:
        bend = self.bends * row / self.height
        wiggle = math.sin(bend + self.phase) + 0.5 * math.sin(2.7 * bend)
        return row, self.column + self.lean * row + self.sway * wiggle


def _paste(maps: Tensor, radii: Tensor, places: Tensor, flat: Tensor, wind: Tensor, reach: Tensor, soft: float) -> None:
    """Draw drops into `maps` (`5 H W`: shift x and y in px, gain - 1, light, alpha)."""
    if not len(radii):
        return
    device = maps.device
    corners, offsets = around(places.to(device), math.ceil(1.6 * radii.max().item() + soft) + 1)
    size, flat, wind = (x.to(device).view(-1, 1, 1) for x in (radii, flat, wind))
    y, x = offsets.unbind(1)
    along, across = x * wind.cos() + y * wind.sin(), y * wind.cos() - x * wind.sin()
    from_centre = torch.hypot(along / flat.sqrt(), across * flat.sqrt()) / size  # N P P, 1 at the rim

    alpha = smoothstep((1 - from_centre) * size / soft + 0.5)
    down, right = (offsets / size[:, None]).clamp(-1.5, 1.5).unbind(1)
    shift = torch.stack([-right * reach[1] - x, -down * reach[0] - y], 1)
    gain = 0.1 - 0.45 * smoothstep(from_centre * 2.5 - 1.5)
    glint = torch.exp(-(((y + 0.4 * size) / (0.25 * size)) ** 2) - ((x + 0.3 * size) / (0.3 * size)) ** 2)
    patches = torch.cat([shift, torch.stack([gain, 0.35 * glint], 1)], 1)  # N 4 P P
    for corner, patch, cover in zip(corners, patches, alpha, strict=True):
        # The refracted picture does not fade at the rim, only its share does.
        paste(maps[:4], patch, (cover > 0).float()[None], corner)
        paste(maps[4:], torch.ones_like(cover)[None], cover[None], corner)
