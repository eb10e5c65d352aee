"""The network that removes what noise a generator has left. Told how much the frame had, as FFDNet is (Zhang et al.
2018, arXiv 1710.04026), it estimates an error and not a picture, as DnCNN does (Zhang et al. 2017, arXiv 1608.03981).

It begins from a bilateral filter's result, which it would take long to learn, and reads what that began from and the
frame too, which still have what was smoothed away. Most scenes that it learned from are sharp: where the generator
sharpened a blurred one it would take that back, and is not asked.
"""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from restore.models.averaging import FINE, sharpening
from restore.models.degradation import FAINT, LOG_SCALE, log_level
from restore.models.strips import in_strips, strips
from restore.models.unet import UNet
from restore.tensors import UNIT_LEVELS, to_float, to_uint8

READ = 3 + 3 + 3 + 1 + 1  # channels: the smoothed picture, two differences to it, what is hidden, the noise level
FURTHEST = 4.0  # units of noise; differences beyond are something else
# Of the fine detail of the smoothed picture what the frame did not have, up to which all that is added counts, and from
# which nothing: at most 0.22 in 28 sharp training clips with noise of sigma 2 to 30; in blurred ones it loses 0.3 dB up
# to a share of 0.3, and up to 2.5 dB from 0.4 on.
SHARP, BLURRED = 0.2, 0.3
ROWS = 256  # of what that is measured in at a time, whatever the picture is computed in


class NoiseNetwork(nn.Module):
    """Restored frames whose noise is smoothed => the same closer to the truth, `B 3 H W`, about [-1, 1]. Differences
    are measured in units of the noise, so that it learns of all strengths at once.

    Args:
        widths, blocks: see `UNet`. The default is 1.5 GMAC a frame at 320x240.

    The last layer starts at zero, so that an untrained network changes nothing.

    >>> x = torch.zeros(1, 3, 17, 30)
    >>> NoiseNetwork()(x, x, x, x[:, :1], torch.tensor([5.0])).shape
    torch.Size([1, 3, 17, 30])
    """

    def __init__(self, *, widths: Sequence[int] = (24, 40, 64), blocks: Sequence[int] = (1, 1, 2)) -> None:
        super().__init__()
        self.unet = UNet(
            in_channels=READ, out_channels=3, unshuffle=2, widths=widths, blocks=blocks, decoder_blocks=blocks[:-1]
        )

    def forward(self, smoothed: Tensor, averaged: Tensor, frame: Tensor, hidden: Tensor, noise: Tensor) -> Tensor:
        """
        Args:
            smoothed: `B 3 H W` in [-1, 1], what it begins from: the averaged picture, filtered.
            averaged: the restored picture averaged over time, the same shape.
            frame: as it came, the same shape.
            hidden: `B 1 H W`, 1 where the frame is.
            noise: of the frames, `B`, as `degradation.noise_level`.
        """
        residual: Tensor = self.unet(read(smoothed, averaged, frame, hidden, noise))
        return smoothed + unit(noise) * residual.to(smoothed.dtype)

    @torch.inference_mode()
    def filtered(
        self,
        smoothed: np.ndarray,
        averaged: np.ndarray,
        frame: np.ndarray,
        hidden: np.ndarray,
        noise: float,
        *,
        rows: int | None = None,
    ) -> np.ndarray:
        """One frame, uint8 `H W 3`; where the scene is not `sharp` the smoothed picture, to that extent.

        Args:
            smoothed, averaged, frame: uint8 `H W 3`.
            hidden: bool `H W`.
            noise: as of `forward`.
            rows: of the strips that it is computed in; None computes it whole.
        """
        share = sharp(smoothed, frame, hidden)
        if share == 0:
            return smoothed
        result = self._whole if rows is None else partial(self._in_strips, rows=rows)
        planes = [smoothed, averaged, frame, hidden[..., None].view(np.uint8) * np.uint8(255)]
        return cv2.addWeighted(result(planes, noise), share, smoothed, 1 - share, 0)

    def _whole(self, planes: Sequence[np.ndarray], noise: float) -> np.ndarray:
        return to_uint8(self(*self._pictures(planes), self._level(noise)))[0]

    def _in_strips(self, planes: Sequence[np.ndarray], noise: float, *, rows: int) -> np.ndarray:
        smoothed, level = planes[0], self._level(noise)
        height, width = smoothed.shape[:2]
        down, across = (-side % self.unet.multiple for side in (height, width))
        planes = [np.pad(plane, ((0, down), (0, across), (0, 0)), mode="edge") for plane in planes]

        def strip(part: slice) -> tuple[Tensor, tuple[()]]:
            pictures = self._pictures([plane[part] for plane in planes])
            return read(*pictures, level).to(self.unet.head.weight.dtype), ()

        result = np.empty_like(smoothed)
        for part, residual in in_strips(self.unet, strip, height + down, rows=rows):
            own = slice(part.start, min(part.stop, height))
            start = to_float(smoothed[own])[None].to(level.device)
            added = unit(level) * residual[:, :, : own.stop - own.start, :width].float()
            result[own] = to_uint8(start + added)[0]
        return result

    def _level(self, noise: float) -> Tensor:
        return torch.tensor([noise], device=self.unet.head.weight.device)

    def _pictures(self, planes: Sequence[np.ndarray]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `forward` takes, from uint8 `H W C`."""
        device = self.unet.head.weight.device
        smoothed, averaged, frame, hidden = (
            to_float(plane)[None].to(device, memory_format=torch.channels_last) for plane in planes
        )
        return smoothed, averaged, frame, (hidden + 1) / 2


def read(smoothed: Tensor, averaged: Tensor, frame: Tensor, hidden: Tensor, noise: Tensor) -> Tensor:
    """What the network reads, `B 11 H W`, as of `NoiseNetwork.forward`."""
    differences = ((picture - smoothed) / unit(noise) for picture in (averaged, frame))
    bounded = (difference.clamp(-FURTHEST, FURTHEST) / 2 for difference in differences)
    told = (log_level(noise) / LOG_SCALE).view(-1, 1, 1, 1).expand(-1, 1, *frame.shape[2:])
    return torch.cat([smoothed, *bounded, hidden, told.to(frame.dtype)], 1)


def sharp(smoothed: np.ndarray, frame: np.ndarray, hidden: np.ndarray) -> float:
    """How sharp a frame is, in [0, 1]: 0 where much of the fine detail of the smoothed picture is not in it.

    Args:
        smoothed, frame: uint8 `H W 3`.
        hidden: bool `H W`; it does not count.
    """
    height, halo, sums = len(frame), FINE // 2, torch.zeros(2, dtype=torch.float64)
    for part in strips(height, ROWS):
        around = slice(max(0, part.start - halo), min(part.stop + halo, height))
        left_out = torch.ones(1, 1, around.stop - around.start, frame.shape[1])
        inside = slice(part.start - around.start, part.stop - around.start)
        left_out[:, :, inside] = torch.from_numpy(hidden[part])
        before, after = (to_float(picture[around])[None].mean(1, keepdim=True) for picture in (frame, smoothed))
        sums += sharpening(before, after, left_out)[0]
    added, detail = sums.tolist()
    return float(np.clip((BLURRED - added / max(detail, 1e-6)) / (BLURRED - SHARP), 0, 1))


def unit(noise: Tensor) -> Tensor:
    """The noise in [-1, 1]'s units, `B 1 1 1`."""
    return (noise.clamp(min=FAINT) / UNIT_LEVELS).view(-1, 1, 1, 1)
