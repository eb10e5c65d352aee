"""The segmenter: where something hides the scene and what it is, from frames and how they change over time.

What lies on the lens does not move with the scene: where the picture changes from frame to frame and a spot does not,
the spot is before it.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from restore.degradations.obstructions.kinds import KINDS
from restore.models.unet import UNet

CHANNELS = 15


class Segmenter(nn.Module):
    """`surroundings` of a frame, `B 15 H W` => logits `B 1+K H W`: above 0 is hidden, then a softmax over `KINDS`.

    3.9 GMAC a frame at 320x240.

    >>> Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))(torch.zeros(1, 15, 17, 30)).shape
    torch.Size([1, 8, 17, 30])
    """

    def __init__(
        self,
        *,
        unshuffle: int = 2,
        widths: Sequence[int] = (32, 64, 96, 128, 160),
        blocks: Sequence[int] = (1, 1, 1, 1, 2),
        decoder_blocks: Sequence[int] = (1, 1, 1, 1),
    ) -> None:
        super().__init__()
        self.unet = UNet(
            in_channels=CHANNELS,
            out_channels=1 + len(KINDS),
            unshuffle=unshuffle,
            widths=widths,
            blocks=blocks,
            decoder_blocks=decoder_blocks,
        )

    def forward(self, surroundings: Tensor) -> Tensor:
        logits: Tensor = self.unet(surroundings)
        return logits


def surroundings(frames: Tensor, at: Sequence[int] | None = None) -> Tensor:
    """Frames with their neighbours and what the whole clip is like: `B T 3 H W` in [-1, 1] => `B T 15 H W`.

    The last six channels are the mean over the clip and the standard deviation, which is 0 where nothing changes.

    Args:
        at: the indices of the frames that are wanted; None for all of them.

    >>> surroundings(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1, 1).expand(1, 2, 3, 1, 1))[0, :, ::3, 0, 0].tolist()
    [[0.0, 0.0, 1.0, 0.5, 0.5], [0.0, 1.0, 1.0, 0.5, 0.5]]
    """
    return torch.stack(list(one_by_one(frames, range(frames.shape[1]) if at is None else at)), 1)


def one_by_one(frames: Tensor, at: Sequence[int]) -> Iterator[Tensor]:
    """`surroundings`, one frame at a time: `B 15 H W` each."""
    last, mean = frames.shape[1] - 1, frames.mean(1)
    # `std_mean` takes ten times as long on a CPU.
    deviation = (frames - mean[:, None]).square_().mean(1).sqrt_()
    for t in at:
        yield torch.cat([frames[:, max(0, t - 1)], frames[:, t], frames[:, min(last, t + 1)], mean, deviation], 1)
