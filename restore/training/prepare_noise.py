"""From clean windows to what removes noise learns from: windows with noise, restored as in use up to there."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from restore.degradations.recipe import draw_noisy
from restore.frame import Frame
from restore.models.degradation import FAINT, noise_level, noisy_frame
from restore.models.generator import GatedGenerator
from restore.propagation.evidence import CHANNELS, to_tensor
from restore.propagation.noise_filter import averaged_frame, smoothed
from restore.propagation.temporal_filter import RADIUS, filter_hidden
from restore.tensors import to_uint8
from restore.training.data import CleanWindows
from restore.training.feed import normalised
from restore.training.in_use import Generated, evidence_of, given
from restore.training.prepare import CPU, drawn_windows, seeded


@dataclass(frozen=True)
class NoisyFrames:
    """`N` frames to learn from.

    Attributes:
        smoothed, averaged, frame, clean: uint8 `N 3 H W`; the first three as of `NoiseNetwork.forward`.
        hidden: bool `N 1 H W`.
        noise: float32 `N`, in levels.
    """

    smoothed: Tensor
    averaged: Tensor
    frame: Tensor
    clean: Tensor
    hidden: Tensor
    noise: Tensor

    def parts(self) -> list[Tensor]:
        """All of it, in the order of its fields."""
        return [getattr(self, field.name) for field in fields(self)]


class PreparedNoise(Dataset[NoisyFrames]):
    """What removes noise learns from of one video, or of one shot of a photograph, prepared by a worker.

    An item is asked for by (epoch, video index), as of `CleanWindows`, and depends on nothing but that and the seed.

    Args:
        windows: what is degraded.
        frames: how many of each window are learned from: of those that have noise, and at least one.
        generator: restores them.
    """

    def __init__(self, windows: CleanWindows, *, frames: int, generator: GatedGenerator) -> None:
        self.windows, self.frames, self.generator = windows, frames, generator.eval()
        self.videos, self.seed = windows.videos, windows.seed

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, key: tuple[int, int]) -> NoisyFrames:
        draw = seeded(self.seed, 6, *key)
        drawn = drawn_windows(self.windows[key], draw=draw, device=CPU, recipes=draw_noisy)
        clips = zip(to_uint8(drawn.clips), to_uint8(drawn.wanted), drawn.mask[:, :, 0].numpy(), strict=True)
        return joined([noisy_frames(*clip, self.generator, most=self.frames) for clip in clips])


def joined(frames: Sequence[NoisyFrames]) -> NoisyFrames:
    """The frames of several windows or items as one batch."""
    return NoisyFrames(*(torch.cat(parts) for parts in zip(*(one.parts() for one in frames), strict=True)))


def network_input(frames: NoisyFrames, device: torch.device) -> tuple[Tensor, ...]:
    """What the network is called with."""
    pictures = (normalised(x, device) for x in (frames.smoothed, frames.averaged, frames.frame))
    return *pictures, frames.hidden.to(device).float(), frames.noise.to(device)


@torch.no_grad()
def noisy_frames(
    images: np.ndarray, clean: np.ndarray, masks: np.ndarray, generator: GatedGenerator, *, most: int
) -> NoisyFrames:
    """Frames of a degraded window, uint8 `T H W 3`, spread over it: at most so many, of those that have noise; if none
    has, one all the same, as if it had a trace.

    Args:
        clean: what they are to become, the same shape.
        masks: `T H W`, 1 where it is hidden.
    """
    frames = given(images, masks)
    stacks = np.empty((len(frames), *images.shape[1:3], CHANNELS), np.float32)
    for one, stack in zip(evidence_of(frames), stacks, strict=True):
        one.stack(stack)
    evidence = to_tensor(stacks)
    noise = noise_level(evidence).flatten().tolist()
    restored = [
        Generated(frame, to_uint8(generator(part))[0]) for frame, part in zip(frames, evidence.split(1), strict=True)
    ]
    worth = [index for index, level in enumerate(noise) if noisy_frame(level) > 0] or [len(frames) // 2]
    picked = [worth[int(at)] for at in np.linspace(0, len(worth) - 1, min(most, len(worth)))]
    return joined([_learned(restored, index, clean[index], max(noise[index], FAINT)) for index in picked])


def _learned(restored: Sequence[Generated], index: int, clean: np.ndarray, noise: float) -> NoisyFrames:
    first = max(0, index - RADIUS)
    around, at = restored[first : index + RADIUS + 1], index - first
    frame: Frame = restored[index].frame
    averaged = averaged_frame(around, at, filter_hidden(around, at), noise=noise)
    pictures = [smoothed(averaged, noise), averaged, frame.image, clean, frame.hidden[..., None]]
    parts = [*(torch.from_numpy(x).movedim(-1, 0)[None] for x in pictures), torch.tensor([noise])]
    return NoisyFrames(*parts)
