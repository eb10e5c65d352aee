"""The refiner's denoiser: diffusers' `UNetMotionModel` over noisy latents, the mask, and the latents of what is known.

The order of the channels is Stable Diffusion inpainting's, so that its weights with a motion adapter (AnimateDiff, Guo
et al. 2024) serve as well as a small model trained from scratch.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import UNetMotionModel
from torch import Tensor, nn

NO_TEXT = 32  # width of the text embedding of a model that reads none


def build_denoiser(*, latent_channels: int, widths: Sequence[int], frames: int) -> UNetMotionModel:
    """A small denoiser without text: attention over time at every level, over the picture at the deepest only.

    Args:
        latent_channels: C, of the autoencoder.
        widths: channels of each level, multiples of 16; each level halves the resolution again.
        frames: that it can see at once.
    """
    above = len(widths) - 1
    return UNetMotionModel(
        in_channels=2 * latent_channels + 1,
        out_channels=latent_channels,
        down_block_types=("DownBlockMotion",) * above + ("CrossAttnDownBlockMotion",),
        up_block_types=("CrossAttnUpBlockMotion",) + ("UpBlockMotion",) * above,
        block_out_channels=tuple(widths),
        layers_per_block=1,
        norm_num_groups=16,
        cross_attention_dim=NO_TEXT,
        num_attention_heads=4,
        motion_num_attention_heads=4,
        motion_max_seq_length=frames,
    )


def denoise(
    denoiser: nn.Module,
    noisy: Tensor,
    timestep: Tensor | int,
    hidden: Tensor,
    condition: Tensor,
    text: Tensor | None = None,
) -> Tensor:
    """One model call.

    Args:
        denoiser: a `UNetMotionModel`, or one wrapped for several processes.
        noisy: latents `B T C h w`.
        timestep: `B`, or one for all.
        hidden: `B T 1 h w`, 1 where a latent cell is to be generated.
        condition: `B T C h w`, latents of the video with a coarse fill, or with grey, in its holes.
        text: `B L D` embeddings of a prompt; None for a model of `build_denoiser`, which reads none.

    Returns:
        The model's output (noise or velocity, as it was trained), `B T C h w`, float32.

    >>> model = build_denoiser(latent_channels=4, widths=(16, 16), frames=8)
    >>> x, hidden = torch.zeros(1, 3, 4, 4, 6), torch.ones(1, 3, 1, 4, 6)
    >>> denoise(model, x, torch.tensor(10), hidden, x).shape
    torch.Size([1, 3, 4, 4, 6])
    """
    batch, frames = noisy.shape[:2]
    dtype = next(denoiser.parameters()).dtype
    if text is None:
        text = noisy.new_zeros(batch, 1, NO_TEXT)
    text = text.to(noisy.device, dtype).repeat_interleave(frames, 0)  # every frame reads it
    sample = torch.cat([noisy, hidden, condition], 2).transpose(1, 2).to(dtype)  # B 2C+1 T h w
    output: Tensor = denoiser(sample, timestep, text).sample
    return output.transpose(1, 2).float()


def hidden_cells(mask: Tensor, downsampling: int) -> Tensor:
    """Mask `... 1 H W` => `... 1 h w`: a latent cell is known only if all the pixels under it are.

    >>> hidden_cells(torch.eye(4).view(1, 1, 4, 4), 2).int().tolist()
    [[[[1, 0], [0, 1]]]]
    """
    cells = F.max_pool2d(mask.reshape(-1, *mask.shape[-3:]).float(), downsampling)
    return cells.view(*mask.shape[:-2], *cells.shape[-2:])
