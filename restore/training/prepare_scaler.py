"""From clean windows to what the scaler learns from: windows downscaled, some degraded, and restored as in use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from restore.degradations.codec import compressed
from restore.degradations.downscaling import downscaled, draw_downscaling
from restore.degradations.noise import white
from restore.models.scaler import SCALE
from restore.propagation.evidence import CHANNELS, to_tensor
from restore.scaling.flow import full_flow
from restore.tensors import to_float, to_uint8
from restore.training.data import CleanWindows
from restore.training.in_use import evidence_of, given
from restore.training.prepare import seeded

CANDIDATES = 4  # windows, of which the one with the most detail is learned from
DEGRADED_SHARE = 0.35  # of the windows, with noise or a codec's artefacts after the downscaling
NOISE, CRF = (0.0, 14.0), (18.0, 34.0)  # least and greatest: sigma in levels of 255; H.264's


@dataclass(frozen=True)
class SmallWindows:
    """`N` windows to learn from.

    Attributes:
        small: uint8 `N T 3 H W`, restored.
        clean: uint8 `N T 3 2H 2W`.
        to_following, to_previous: float16 `N T 2 H W`, where each pixel lies in the next and the previous frame, (x, y)
            in px; 0 where there is none.
    """

    small: Tensor
    clean: Tensor
    to_following: Tensor
    to_previous: Tensor


class PreparedSmall(Dataset[SmallWindows]):
    """What the scaler learns from of one video, or of one shot of a photograph, prepared by a worker.

    An item is asked for by (epoch, video index), as of `CleanWindows`, and depends on nothing but that and the seed.

    Args:
        windows: what is downscaled; the crop's sides are even.
        generator: restores what is degraded.
    """

    def __init__(self, windows: CleanWindows, *, generator: nn.Module) -> None:
        self.windows, self.generator = windows, generator.eval()
        self.videos, self.seed = windows.videos, windows.seed

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, key: tuple[int, int]) -> SmallWindows:
        clips = _detailed(self.windows[key]["clips"])
        draw = seeded(self.seed, 5, *key)
        return joined([small_window(clip, generator=self.generator, draw=draw) for clip in clips])


def joined(windows: Sequence[SmallWindows]) -> SmallWindows:
    """The windows of several items as one batch."""
    names = SmallWindows.__dataclass_fields__
    return SmallWindows(*(torch.cat([getattr(one, name) for one in windows]) for name in names))


def _detailed(clips: Tensor) -> Tensor:
    """Of windows `K T 3 H W`, those with the most to learn from, which lose most where they are made small. Much of a
    picture is as smooth as its bicubic enlargement.
    """
    first = clips[:, 0].float()  # N 3 H W
    lost = first - F.interpolate(F.avg_pool2d(first, SCALE), first.shape[-2:], mode="bilinear", align_corners=False)
    count = math.ceil(len(clips) / CANDIDATES)
    return clips[lost.square().mean((1, 2, 3)).topk(count).indices]


@torch.no_grad()
def small_window(clip: Tensor, *, generator: nn.Module, draw: torch.Generator) -> SmallWindows:
    """One window, uint8 `T 3 H W`, downscaled in a way that is drawn, degraded or not, and restored."""
    kernel, blur = draw_downscaling(SCALE, generator=draw)
    small = downscaled(to_float(clip.movedim(1, -1).numpy()), SCALE, kernel=kernel, blur=blur)
    lot, *strengths = torch.rand(5, generator=draw).tolist()
    if lot < DEGRADED_SHARE:
        small = _restored(_degraded(small, strengths, draw=draw), generator)
    return flowing(to_uint8(small), clip)


def flowing(small: np.ndarray, clean: Tensor) -> SmallWindows:
    """Small frames, uint8 `T H W 3`, and the clean ones, uint8 `T 3 2H 2W`, with the motion between frames."""
    none = np.zeros((*small.shape[1:3], 2), np.float32)
    last = len(small) - 1
    to_following = [full_flow(small[t], small[t + 1]) if t < last else none for t in range(last + 1)]
    to_previous = [full_flow(small[t], small[t - 1]) if t else none for t in range(last + 1)]
    flows = [torch.from_numpy(np.stack(flow)).movedim(-1, 1).half()[None] for flow in (to_following, to_previous)]
    return SmallWindows(torch.from_numpy(small).movedim(-1, 1)[None], clean[None], *flows)


def _degraded(small: Tensor, strengths: Sequence[float], *, draw: torch.Generator) -> Tensor:
    """Noise, a codec, or both: `T 3 H W` in [-1, 1]."""
    which, noise, codec, _ = strengths
    if which < 0.7:
        small = white(small, NOISE[0] + (NOISE[1] - NOISE[0]) * noise, generator=draw)
    if which > 0.3:
        small = compressed(small.clamp(-1, 1), encoder="libx264", quality=CRF[0] + (CRF[1] - CRF[0]) * codec)
    return small


def _restored(small: Tensor, generator: nn.Module) -> Tensor:
    """What the restorer makes of it, nothing hidden: `T 3 H W` in [-1, 1]."""
    images = to_uint8(small)
    evidence = evidence_of(given(images, np.zeros(images.shape[:3])))
    stacks = np.empty((len(evidence), *images.shape[1:3], CHANNELS), np.float32)
    for one, stack in zip(evidence, stacks, strict=True):
        one.stack(stack)
    restored: Tensor = generator(to_tensor(stacks))
    return restored.float()
