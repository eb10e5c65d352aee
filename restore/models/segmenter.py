"""The segmenter: where something hides the scene and what it is, from frames and how they change over time.

What lies on the lens does not move with the scene: where the picture changes from frame to frame and a spot does not,
the spot is before it.
"""

from collections.abc import Iterator, Sequence
from functools import reduce

import torch
from torch import Tensor

from restore.kinds import KINDS
from restore.models.efficientnet import CHANNELS as FEATURES
from restore.models.efficientnet import EfficientNetLite
from restore.models.padded import PaddedNetwork, zeros
from restore.models.unet import UNet
from restore.tensors import interleave

CHANNELS = 15
FRAME = slice(0, 3)  # of them
STRENGTH = 4.0  # of differences, relative to the frame itself
DEEPEST = 16  # px that a feature of the lowest resolution stands for


class Segmenter(PaddedNetwork):
    """`surroundings` of a frame, `B 15 H W` => logits `B 1+K H W`: above 0 is hidden, then a softmax over `KINDS`.

    A U-Net at half the resolution reads how things move; at each level it is given their appearance, as features of a
    frozen EfficientNet that knows ImageNet (`restore/models/efficientnet.py`). 4.3 GMAC a frame
    at 320x240.

    >>> Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 15, 17, 30)).shape
    torch.Size([1, 8, 17, 30])
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (32, 64, 96, 128, 160),
        blocks: Sequence[int] = (1, 1, 1, 1, 2),
        decoder_blocks: Sequence[int] = (1, 1, 1, 1),
    ) -> None:
        super().__init__()
        self.efficientnet = EfficientNetLite().requires_grad_(False)
        self.unet = UNet(
            in_channels=CHANNELS,
            out_channels=1 + len(KINDS),
            unshuffle=2,
            widths=widths,
            blocks=blocks,
            decoder_blocks=decoder_blocks,
            feature_channels=FEATURES,
        )
        self.multiple = max(DEEPEST, self.unet.multiple)

    def whole(self, surroundings: Tensor) -> Tensor:  # type: ignore[override]
        with torch.no_grad():
            features = self.efficientnet(surroundings[:, FRAME])
        return self.unet.whole(surroundings, *features)

    def examples(self) -> tuple[Tensor, ...]:
        return (zeros(CHANNELS, 2 * self.multiple),)


def surroundings(frames: Tensor, at: Sequence[int] | None = None) -> Tensor:
    """Frames and how they differ from their neighbours and from the whole clip: `B T 3 H W` in [-1, 1] => `B T 15 H W`.

    They are, of three channels each: the frame; `STRENGTH` times its difference from the one before, the one after and
    the mean over the clip; and half of the logarithm of the standard deviation over the clip, in levels of 255 and half
    a level more: whether something changes at all says more than how much it does.

    Args:
        at: the indices of the frames that are wanted; None for all of them.

    >>> clip = torch.tensor([0.0, 0.25]).view(1, 2, 1, 1, 1).expand(1, 2, 3, 1, 1)
    >>> surroundings(clip)[0, :, :12:3, 0, 0].tolist()
    [[0.0, 0.0, -1.0, -0.5], [0.25, 1.0, 0.0, 0.5]]
    """
    return torch.stack(list(one_by_one(frames.unbind(1), range(frames.shape[1]) if at is None else at)), 1)


def one_by_one(frames: Sequence[Tensor], at: Sequence[int], out: Tensor | None = None) -> Iterator[Tensor]:
    """`surroundings`, one frame at a time: `B 3 H W` each => `B 15 H W` each, in channels-last order.

    Args:
        out: `B H W 15`, what each result is written into, valid until the next; None for memory of its own. Fresh
            memory, 125 MB a frame at 1080p, costs more than what is written into it.
    """
    last, mean = len(frames) - 1, reduce(torch.add, frames) / len(frames)
    # A sum of squares: `std_mean` takes ten times as long on a CPU, and the whole clip at once does not fit its caches.
    squares = torch.zeros_like(mean)
    for frame in frames:
        squares += (frame - mean).square_()
    change = squares.div_(len(frames)).sqrt_().mul_(127.5).add_(0.5).log_().div_(2)
    for t in at:
        now = frames[t]
        others = (frames[max(0, t - 1)], frames[min(last, t + 1)], mean)
        parts = [now, *((now - other).mul_(STRENGTH) for other in others), change]
        stack = new_stack(now) if out is None else out
        interleave(parts, stack)
        yield stack.movedim(-1, 1)


def new_stack(frame: Tensor) -> Tensor:
    """Memory for the surroundings of a frame like `frame`, `B 3 H W`: `B H W 15`."""
    return frame.new_empty(len(frame), *frame.shape[2:], CHANNELS)
