"""Let a denoiser that sees a limited number of frames at once work on any number (MultiDiffusion, Bar-Tal et al. 2023).

Each window is denoised by itself, all of them in one batch, and those that overlap are averaged. Shifting the grid by
half a window from call to call puts the ends of one call's windows amid those of the next, so that no seam stays in one
place.

Letters: `B` clips, `T` frames of a clip, `W` windows of a clip, `L` frames of a window.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def denoise_in_windows(
    denoise: Callable[..., Tensor], noisy: Tensor, *conditions: Tensor, length: int, shifted: bool
) -> Tensor:
    """Denoise all frames, in windows.

    A frame's weight falls towards the ends of a window, where the denoiser knows the least around it; the weights of a
    frame sum to 1 over the windows that hold it.

    Args:
        denoise: called with `noisy` and the `conditions` cut into windows, `WB L ...` each; returns `WB L C H W`.
        noisy: `B T C H W`.
        conditions: what else the denoiser reads of each frame, `B T ...` each.
        length: L; it is T where there are fewer frames.
        shifted: whether the grid of windows is shifted by half a window.

    Returns:
        `B T C H W` in the type of `noisy`; overlaps are averaged in float32.

    Raises:
        ValueError: see `window_slices`.

    >>> denoise_in_windows(lambda windows: 2 * windows, torch.ones(1, 5, 1, 1, 1), length=2, shifted=True).flatten()
    tensor([2., 2., 2., 2., 2.])
    """
    frames = noisy.shape[1]
    windows = window_slices(frames, length=length, shifted=shifted)

    def cut(x: Tensor) -> Tensor:
        return torch.cat([x[:, window] for window in windows])  # B T ... => WB L ...

    denoised = denoise(cut(noisy), *map(cut, conditions)).float().chunk(len(windows))  # W of B L C H W

    rising = torch.arange(1.0, min(length, frames) + 1)
    tent = torch.minimum(rising, rising.flip(0)).to(noisy.device)  # 1 2 3 2 1
    total = torch.zeros(frames, device=noisy.device)
    for window in windows:
        total[window] += tent
    blended = torch.zeros_like(noisy, dtype=torch.float32)
    for window, part in zip(windows, denoised, strict=True):
        blended[:, window] += part * (tent / total[window]).view(-1, 1, 1, 1)
    return blended.to(noisy.dtype)


def window_slices(frames: int, *, length: int, shifted: bool) -> list[slice]:
    """A grid of windows over `frames` frames, each of `length` frames, or one of all where there are fewer.

    Windows that would reach over an end are moved inward, and so overlap their neighbour.

    Raises:
        ValueError: `frames` or `length` is less than 1.

    >>> window_slices(10, length=4, shifted=False)
    [slice(0, 4, None), slice(4, 8, None), slice(6, 10, None)]
    >>> window_slices(10, length=4, shifted=True)
    [slice(0, 4, None), slice(2, 6, None), slice(6, 10, None)]
    """
    if frames < 1 or length < 1:
        raise ValueError(f"need at least 1 frame and windows of at least 1, got {frames}, {length}")
    last = max(0, frames - length)
    grid = range(-(length // 2) if shifted else 0, frames, length)
    starts = dict.fromkeys(min(max(0, start), last) for start in grid)  # in order, each once
    return [slice(start, min(start + length, frames)) for start in starts]
