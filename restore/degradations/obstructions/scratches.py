"""Scratches and dust of old film: lines that wander, specks and hairs that are gone with the next frame."""

import math

import torch
from torch import Tensor

from restore.degradations.obstructions.chance import frame_generators, integer, log_uniform, uniform
from restore.degradations.obstructions.layers import Cover
from restore.degradations.obstructions.noise import above, fractal_noise, smoothstep
from restore.degradations.obstructions.stamps import stroke


def draw_scratches(
    *,
    frames: int,
    height: int,
    width: int,
    generator: torch.Generator,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Cover:
    """Damage as it is from frame `first` on; light where the emulsion is gone, dark where dirt lies on it."""
    short = min(height, width)
    light = torch.tensor(uniform(generator, 0.8, 1.0), device=device)
    dark = torch.tensor(uniform(generator, 0.0, 0.15), device=device)
    lines = integer(generator, 0, 8)
    dust = log_uniform(generator, 0.0003, 0.03)  # share of the frame under specks: on most film they are few
    black = uniform(generator, 0, 1)  # share of what is dark
    wander = [(_Wander(generator, width, short), uniform(generator, 0, 1) < black) for _ in range(lines)]

    layers = []
    for time, drawn in enumerate(frame_generators(generator, first=first, frames=frames), first):
        alpha = torch.zeros(height, width, device=device)
        shade = torch.zeros(height, width, device=device)
        marks = [(line.at(time, height, width, drawn, device), is_dark) for line, is_dark in wander]
        brief = [_hair(height, width, drawn, device) for _ in range(integer(drawn, 0, 2))]
        brief.append(_specks(height, width, dust, drawn, device))
        marks += [(mark, uniform(drawn, 0, 1) < black) for mark in brief]
        for mark, is_dark in marks:
            shade = torch.where(mark > 0, dark if is_dark else light, shade)
            alpha = torch.maximum(alpha, mark)
        layers.append(torch.stack([shade, alpha]))
    shade, alpha = torch.stack(layers).unbind(1)
    return Cover((shade * 2 - 1)[:, None].expand(-1, 3, -1, -1), alpha[:, None])


class _Wander:
    """A line down the film: where a grain of grit rubbed it, for as long as it lay there."""

    def __init__(self, generator: torch.Generator, width: int, short: int) -> None:
        self.column = uniform(generator, 0, width)
        self.sway = uniform(generator, 0.005, 0.04) * width
        self.pace = uniform(generator, 0.05, 0.4)
        self.phase = uniform(generator, 0, 6.28)
        self.wide = max(0.7, log_uniform(generator, 0.002, 0.009) * short)
        self.opacity = uniform(generator, 0.5, 1.0)
        self.seen = uniform(generator, 0.5, 1.0)  # share of the frames

    def at(self, time: int, height: int, width: int, drawn: torch.Generator, device: torch.device | str) -> Tensor:
        """`H W` in [0, 1]: the line in frame `time`; it shakes a little and breaks off here and there."""
        shake = uniform(drawn, -1, 1) * self.wide
        gone = uniform(drawn, 0, 1) > self.seen
        pieces = torch.nn.functional.interpolate(
            torch.rand(1, 1, 12, generator=drawn), height, mode="linear", align_corners=False
        ).view(-1, 1)
        if gone:
            return torch.zeros(height, width, device=device)
        rows = torch.linspace(0, 1, height).view(-1, 1)
        middle = self.column + self.sway * torch.sin(self.pace * (time + rows) + self.phase) + shake
        strength = self.opacity * smoothstep(pieces * 4 - 0.6)
        columns = torch.arange(width, device=device).view(1, -1)
        return (self.wide / 2 + 0.5 - (columns - middle.to(device)).abs()).clamp(0, 1) * strength.to(device)


def _hair(height: int, width: int, drawn: torch.Generator, device: torch.device | str) -> Tensor:
    """A curled fibre, `H W` in [0, 1]."""
    short = min(height, width)
    point = torch.tensor([uniform(drawn, 0, height), uniform(drawn, 0, width)])
    heading, curl = uniform(drawn, 0, 6.28), uniform(drawn, -0.25, 0.25)
    step = uniform(drawn, 0.006, 0.02) * short
    wide = max(1, uniform(drawn, 0.003, 0.009) * short)
    points = [point.tolist()]
    for _ in range(16):
        heading += curl + uniform(drawn, -0.2, 0.2)
        point = point + step * torch.tensor([math.sin(heading), math.cos(heading)])
        points.append(point.tolist())
    fibre = torch.zeros(height, width, device=device)
    stroke(fibre, points, [wide] * 16)
    return fibre * uniform(drawn, 0.6, 1)


def _specks(height: int, width: int, share: float, drawn: torch.Generator, device: torch.device | str) -> Tensor:
    """Dust, `H W` in [0, 1]: the peaks of a fine noise."""
    cells, rim = log_uniform(drawn, 8, 30), uniform(drawn, 0.04, 0.15)
    noise = fractal_noise(height=height, width=width, cells=(cells, cells), octaves=3, generator=drawn, device=device)
    return smoothstep(above(noise, share) / rim + 0.5) * uniform(drawn, 0.6, 1)
