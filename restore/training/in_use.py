"""What the restorer makes of one short clip, as in use: its masks, its evidence, its restored frames.

Training learns from this and validation measures it, so nothing here may differ from `restore/pipeline.py`, which
training must not import: `tests/training/test_in_use.py` compares the two. Left out are the noise network, which learns
from what this makes of noisy frames, and deconvolution, which comes last and only changes blurred frames without noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.detection.detect import detect_clip
from restore.frame import Frame
from restore.models.degradation import noise_level, noisy_frame
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.propagation.engine import Propagation
from restore.propagation.evidence import FRAME, Evidence
from restore.propagation.noise_filter import filter_frame
from restore.propagation.temporal_filter import RADIUS
from restore.scenes import with_scenes
from restore.tensors import frames_at_once, to_uint8


@dataclass(frozen=True)
class Generated:
    """A frame and what the generator made of it, uint8 `H W 3`."""

    frame: Frame
    image: np.ndarray


def given(images: np.ndarray, masks: np.ndarray) -> list[Frame]:
    """A clip uint8 `T H W 3` with the masks that a user hands over, `T H W`, 1 where it is hidden."""
    frames = [Frame(image, mask=mask.astype(np.float32)) for image, mask in zip(images, masks, strict=True)]
    return list(with_scenes(frames))


def detected(images: np.ndarray, finder: OcclusionFinder, segmenter: Segmenter | None) -> list[Frame]:
    """A clip uint8 `T H W 3` with the masks of all that is detected, proven or not. On the CPU, as workers do it."""
    return list(with_scenes(detect_clip(images, finder, to_device=_channels_last, segmenter=segmenter)))


def evidence_of(frames: Sequence[Frame]) -> list[Evidence]:
    """The evidence for each frame of a clip, in order. Sets the frames' motion.

    Args:
        frames: all frames of the clip, with mask and scene.
    """
    propagation = Propagation(*frames[0].size)
    evidence = [one for frame in frames for one in propagation.push(frame)]
    return [*evidence, *propagation.flush()]


@torch.no_grad()
def restored(generator: nn.Module, frames: Sequence[Frame], stacks: Tensor, accelerator: Accelerator) -> np.ndarray:
    """Consecutive frames as the restorer writes them, uint8 `T H W 3`: generated, then filtered in time.

    Args:
        frames: with mask and motion. The first and the last two lack neighbours to be filtered with, if the clip goes
            on there.
        stacks: their evidence, `T 23 H W`.
    """
    with accelerator.autocast():
        parts = network_input(generator, stacks).split(frames_at_once(*stacks.shape[2:]))
        images = np.concatenate([to_uint8(generator(part)) for part in parts])
    if isinstance(generator, Pix2PixUNet):  # the classic looks at one frame and at nothing else, in use too
        return images
    gated = isinstance(generator, GatedGenerator)  # which alone estimates the noise
    noise = noise_level(stacks).flatten().tolist() if gated else [0.0] * len(images)
    return _filtered(frames, images, noise)


def network_input(generator: nn.Module, stacks: Tensor) -> Tensor:
    """What a generator reads of the evidence `B 23 H W`: all of it, or for the classic U-Net only the frame."""
    return stacks[:, FRAME].contiguous() if isinstance(generator, Pix2PixUNet) else stacks


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _filtered(frames: Sequence[Frame], images: np.ndarray, noise: Sequence[float]) -> np.ndarray:
    """Restored `images`, uint8 `T H W 3`, what was hidden, and the noise that was left, averaged with the neighbours in
    time.
    """
    clip = [Generated(frame, image) for frame, image in zip(frames, images, strict=True)]
    first = [max(0, index - RADIUS) for index in range(len(clip))]
    return np.stack(
        [
            filter_frame(clip[at : index + RADIUS + 1], index - at, noise=one, share=noisy_frame(one))
            for (index, at), one in zip(enumerate(first), noise, strict=True)
        ]
    )
