"""What the restorer makes of one short clip, as in use: its masks, its evidence, its restored frames.

Training learns from this and validation measures it, so nothing here may differ from `restore/pipeline.py`, which
training must not import: `tests/training/test_in_use.py` compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from restore.detection.detect import find
from restore.frame import HIDDEN, Frame
from restore.models.finder import OcclusionFinder
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.propagation.background import Background
from restore.propagation.engine import Tracked, remembered, sweep_backward, sweep_forward, track
from restore.propagation.evidence import FRAME, evidence
from restore.propagation.flow import is_cut
from restore.propagation.memory import Memory
from restore.propagation.temporal_filter import REACH, Shown, settled
from restore.tensors import to_uint8

AT_ONCE = 4  # frames through the generator


@dataclass(frozen=True)
class Evidence:
    """What is known of one frame of a clip."""

    frame: Frame
    tracked: Tracked
    previous: np.ndarray
    following: np.ndarray
    before: Memory
    after: Memory

    def stack(self, out: np.ndarray | None = None) -> np.ndarray:
        """What a generator reads, float32 `H W 23` (`propagation/evidence.py`), written to `out` if that is given."""
        return evidence(self.tracked, self.previous, self.following, self.before, self.after, out=out)


def given(images: np.ndarray, masks: np.ndarray) -> list[Frame]:
    """A clip uint8 `T H W 3` with the masks that a user hands over, `T H W`, 1 where it is hidden."""
    frames = [Frame(image, mask=mask.astype(np.float32)) for image, mask in zip(images, masks, strict=True)]
    _number_scenes(frames)
    return frames


def detected(
    images: np.ndarray, finder: OcclusionFinder, segmenter: Segmenter | None, accelerator: Accelerator
) -> list[Frame]:
    """A clip uint8 `T H W 3` with the masks that detection finds."""

    def to_device(x: Tensor) -> Tensor:
        return x.to(accelerator.device, memory_format=torch.channels_last)

    frames = [Frame(image) for image in images]
    with accelerator.autocast():
        for frame, found in zip(frames, find(finder, images, place=to_device, segmenter=segmenter), strict=True):
            frame.mask, frame.kinds = found.mask, found.kinds
    _number_scenes(frames)
    return frames


def evidence_of(frames: Sequence[Frame]) -> list[Evidence]:
    """The evidence for each frame of a clip, in order. Sets the frames' motion.

    Args:
        frames: all frames of the clip, at most 32, with mask and scene.
    """
    tracked: list[Tracked] = []
    for frame in frames:
        assert frame.mask is not None, "masks are set before propagation"
        tracked.append(track(frame.image, frame.mask, tracked[-1] if tracked else None))
        frame.motion = tracked[-1].motion
    last = len(frames) - 1
    background = reduce(remembered, tracked, Background.empty(*frames[0].size))
    after = sweep_backward(tracked, len(tracked), background=background)
    found, memory = [], None
    for t, frame in enumerate(frames):
        previous, following = max(0, t - 1), min(last, t + 1)
        past = background.ago(last - t)
        (before,), memory = sweep_forward([tracked[t]], memory, last=tracked[previous], background=past)
        images = frames[previous].image, frames[following].image
        found.append(Evidence(frame, tracked[t], *images, before, after[t]))
    return found


@torch.no_grad()
def restored(generator: nn.Module, frames: Sequence[Frame], stacks: Tensor, accelerator: Accelerator) -> np.ndarray:
    """Consecutive frames as the restorer writes them, uint8 `T H W 3`: generated, then filtered in time.

    Args:
        frames: with mask and motion. The first and the last two lack neighbours to be filtered with, if the clip goes
            on there.
        stacks: their evidence, `T 23 H W`.
    """
    with accelerator.autocast():
        parts = network_input(generator, stacks).split(AT_ONCE)
        images = np.concatenate([to_uint8(generator(part)) for part in parts])
    # The classic looks at one frame and at nothing else, in use too.
    return images if isinstance(generator, Pix2PixUNet) else _filtered(frames, images)


def network_input(generator: nn.Module, stacks: Tensor) -> Tensor:
    """What a generator reads of the evidence `B 23 H W`: all of it, or for the classic U-Net only the frame."""
    return stacks[:, FRAME].contiguous() if isinstance(generator, Pix2PixUNet) else stacks


def _number_scenes(frames: Sequence[Frame]) -> None:
    """Set the scene of each frame of a clip, counted from 0."""
    scene = 0
    for index, frame in enumerate(frames):
        scene += index > 0 and is_cut(frame.luma, frames[index - 1].luma)
        frame.scene = scene


def _filtered(frames: Sequence[Frame], images: np.ndarray) -> np.ndarray:
    """Restored `images`, uint8 `T H W 3`, what was hidden in them averaged with their neighbours in time."""
    clip = []
    for frame, image in zip(frames, images, strict=True):
        assert frame.mask is not None
        clip.append(Shown(image, frame.mask > HIDDEN, frame.motion))
    first = [max(0, at - REACH) for at in range(len(clip))]
    return np.stack([settled(clip[start : at + REACH + 1], at - start) for at, start in enumerate(first)])
