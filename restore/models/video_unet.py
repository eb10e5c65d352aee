"""The denoiser that is trained here: a U-Net over the latents of a few frames, which knows how noisy each cell is.

Each residual block convolves over the picture, then over three frames; all cells of all frames attend to each other at
the deepest level, where there are few. A cell that is known has no noise from the first call on (TD-Paint, Mayet et al.
2024, arXiv:2410.09306), so that two noise levels are at once in a clip: that of the timestep where it is hidden, none
elsewhere.

What it predicts is how the velocity differs from what a draft of the picture tells: of clean latents that lie around
the draft by a normal distribution, the mean is known (as in the preconditioning of Karras et al. 2022, which is around
zero). So a new network returns the draft, but for a little noise, and not grey.

Letters: `B` clips, `T` frames of a clip, `C` channels, `h w` latent cells.
"""

import itertools
from collections.abc import Sequence
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor, nn

from restore.models.noise_schedule import signal_shares

GROUP = 16  # channels that are normalised together
HEADS = 4


class VideoUNet(ModelMixin, ConfigMixin):
    """A model of diffusers, saved and loaded as its own are; its output is what `UNetMotionModel` gives.

    Args:
        in_channels: of the sample: noisy latents, the mask, and what else is known.
        out_channels: of the latents.
        block_out_channels: of each level, multiples of 16; each level halves the resolution again.
        motion_max_seq_length: frames that it is trained to see at once.
        draft_error: how far the clean latents are taken to lie from the draft's, as a standard deviation.
    """

    @register_to_config
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        block_out_channels: Sequence[int] = (64, 128, 192),
        motion_max_seq_length: int = 16,
        draft_error: float = 0.25,
    ) -> None:
        super().__init__()
        widths = list(block_out_channels)
        self.embedding = nn.Sequential(
            nn.Linear(widths[0], 4 * widths[0]), nn.SiLU(), nn.Linear(4 * widths[0], 4 * widths[0]), nn.SiLU()
        )
        size = 4 * widths[0]
        self.head = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Block(width, width, size) for width in widths[:-1])
        self.shrink = nn.ModuleList(
            nn.Conv2d(above, below, 3, stride=2, padding=1) for above, below in itertools.pairwise(widths)
        )
        self.middle = nn.ModuleList([Block(widths[-1], widths[-1], size), Block(widths[-1], widths[-1], size)])
        self.attention = Attention(widths[-1])
        self.enlarge = nn.ModuleList(
            nn.Conv2d(below, above, 3, padding=1) for above, below in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(Block(2 * width, width, size) for width in widths[:-1])
        self.tail = nn.Sequential(
            nn.GroupNorm(widths[0] // GROUP, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], out_channels, 3, padding=1)
        )
        _zero(self.tail[-1])

    def forward(self, sample: Tensor, timestep: Tensor | int, text: Tensor | None = None) -> SimpleNamespace:
        """One call.

        Args:
            sample: `B C T h w`: the noisy latents, what is hidden (1, else 0), and whatever else is known, the latents
                of a draft last; h and w are multiples of 2 for each level below the first.
            timestep: `B`, or one for all: of the hidden cells. The known ones have none of its noise.
            text: not read; there for what calls any denoiser.

        Returns:
            `.sample`, the velocity (Salimans & Ho 2022) `B out_channels T h w`.
        """
        batch, _, frames = sample.shape[:3]
        x = sample.transpose(1, 2).flatten(0, 1)  # BT C h w
        hidden = x[:, self.config.out_channels : self.config.out_channels + 1]
        x = x.contiguous(memory_format=torch.channels_last)
        timesteps = torch.as_tensor(timestep, device=x.device).expand(batch)
        levels = Levels(self._embedded(timesteps), self._embedded(torch.zeros_like(timesteps)), hidden, frames)

        x = self.head(x)
        skips = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            x = block(x, levels)
            skips.append(x)
            x = shrink(x)
        first, second = self.middle
        x = second(self.attention(first(x, levels), frames), levels)
        for block, enlarge, skip in reversed(list(zip(self.up, self.enlarge, skips, strict=True))):
            x = block(torch.cat([enlarge(F.interpolate(x, scale_factor=2.0)), skip], 1), levels)
        velocity = self.tail(x).unflatten(0, (batch, frames)).transpose(1, 2)
        return SimpleNamespace(sample=velocity + self._of_draft(sample, timesteps))

    def _of_draft(self, sample: Tensor, timesteps: Tensor) -> Tensor:
        """The velocity that the draft tells, where hidden; else 0."""
        channels, variance = self.config.out_channels, self.config.draft_error**2
        noisy, hidden, draft = sample[:, :channels], sample[:, channels : channels + 1], sample[:, -channels:]
        signal = signal_shares().to(sample.device)[timesteps].to(sample.dtype).view(-1, 1, 1, 1, 1)
        of_noisy = variance * signal.sqrt() / (variance * signal + 1 - signal)
        clean = draft + of_noisy * (noisy - signal.sqrt() * draft)
        return hidden * (signal.sqrt() * noisy - clean) / (1 - signal).sqrt()

    def _embedded(self, timesteps: Tensor) -> Tensor:
        embedding = get_timestep_embedding(timesteps, self.config.block_out_channels[0])
        embedded: Tensor = self.embedding(embedding.to(self.dtype))
        return embedded


class Levels:
    """How noisy each cell is.

    Args:
        noisy, known: `B E`, embeddings of the timestep of the hidden cells, and of that of the known ones.
        hidden: `BT 1 h w`.
        frames: T.
    """

    def __init__(self, noisy: Tensor, known: Tensor, hidden: Tensor, frames: int) -> None:
        self.noisy, self.known, self.frames = noisy, known, frames
        self.hidden = {(hidden.shape[-2], hidden.shape[-1]): hidden}
        self.finest = hidden

    def of(self, layer: nn.Module, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Scale and shift `BT C h w` of each cell of a level of this size."""
        size = height, width
        if size not in self.hidden:
            self.hidden[size] = F.adaptive_avg_pool2d(self.finest, size)
        share = self.hidden[size]
        noisy, known = (
            layer(embedded).repeat_interleave(self.frames, 0)[..., None, None] for embedded in (self.noisy, self.known)
        )
        scale, shift = (known + share * (noisy - known)).chunk(2, 1)
        return scale, shift


class Block(nn.Module):
    """A residual of two convolutions over the picture and one over three frames."""

    def __init__(self, inputs: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(inputs // GROUP, inputs), nn.SiLU(), nn.Conv2d(inputs, channels, 3, padding=1)
        )
        self.level = nn.Linear(embedding, 2 * channels)
        self.norm = nn.GroupNorm(channels // GROUP, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Conv2d(3 * channels, channels, 1)
        self.skip = nn.Conv2d(inputs, channels, 1) if inputs != channels else nn.Identity()
        _zero(self.second)  # begins as its skip
        _zero(self.time)

    def forward(self, x: Tensor, levels: Levels) -> Tensor:
        scale, shift = levels.of(self.level, *x.shape[-2:])
        inner = F.silu(self.norm(y := self.first(x)) * (1 + scale) + shift)
        return self.skip(x) + self.second(inner) + self.time(with_neighbours(F.silu(y), levels.frames))


class Attention(nn.Module):
    """All cells of all frames of a clip attend to each other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(channels // GROUP, channels)
        self.mixed = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        _zero(self.out)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        shape = x.unflatten(0, (-1, frames)).movedim(2, -1).shape  # B T h w C
        tokens = self.norm(x).unflatten(0, (-1, frames)).movedim(2, -1).flatten(1, 3)  # B Thw C
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.mixed(tokens).chunk(3, -1)
        )
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return x + self.out(attended).view(shape).movedim(-1, 2).flatten(0, 1)


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def with_neighbours(x: Tensor, frames: int) -> Tensor:
    """Each frame with the one before and the one after it, `BT C h w` => `BT 3C h w`; at the ends a frame is its own.

    >>> with_neighbours(torch.arange(3.0).view(3, 1, 1, 1), 3).flatten(1).tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 2.0]]
    """
    clips = x.unflatten(0, (-1, frames))
    before = torch.cat([clips[:, :1], clips[:, :-1]], 1)
    after = torch.cat([clips[:, 1:], clips[:, -1:]], 1)
    return torch.cat([before, clips, after], 2).flatten(0, 1)
