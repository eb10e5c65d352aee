"""The refiner's denoiser, over noisy latents, the mask, and the latents of what is known.

The order of the channels is Stable Diffusion inpainting's, so that its weights with a motion adapter (AnimateDiff, Guo
et al. 2024) serve as well as the small model that is trained here.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.models.video_unet import VideoUNet

NO_TEXT = 32  # width of the text embedding of a model that reads none
PICTURES = {"draft": 1, "masked": 1, "masked_and_draft": 2}  # that a denoiser is conditioned on: see `RefinerPipeline`


def build_denoiser(*, latent_channels: int, widths: Sequence[int], frames: int) -> VideoUNet:
    """A small denoiser without text, conditioned on the picture without its holes and on that with a draft in them.

    Args:
        latent_channels: C, of the autoencoder.
        widths: channels of each level, multiples of 16; each level halves the resolution again.
        frames: that it sees at once.
    """
    return VideoUNet(
        in_channels=input_channels(latent_channels, "masked_and_draft"),
        out_channels=latent_channels,
        block_out_channels=widths,
        motion_max_seq_length=frames,
    )


def input_channels(latent_channels: int, conditioning: str) -> int:
    """Channels that a denoiser reads: the noisy latents, the mask, and the latents of each picture."""
    return latent_channels + 1 + PICTURES[conditioning] * latent_channels


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
        denoiser: a `VideoUNet` or a `UNetMotionModel`, or one wrapped for several processes.
        noisy: latents `B T C h w`.
        timestep: `B`, or one for all.
        hidden: `B T 1 h w`, 1 where a latent cell is to be generated.
        condition: `B T K h w`, latents of the pictures that are known, one after the other.
        text: `B L D` embeddings of a prompt; None for a model that was trained without.

    Returns:
        The model's output (noise or velocity, as it was trained), `B T C h w`, float32.

    >>> model = build_denoiser(latent_channels=4, widths=(16, 16), frames=8)
    >>> x, hidden = torch.zeros(1, 3, 4, 4, 6), torch.ones(1, 3, 1, 4, 6)
    >>> denoise(model, x, torch.tensor(10), hidden, torch.cat([x, x], 2)).shape
    torch.Size([1, 3, 4, 4, 6])
    """
    batch, frames = noisy.shape[:2]
    dtype = next(denoiser.parameters()).dtype
    if text is None:
        text = noisy.new_zeros(batch, 1, NO_TEXT)
    text = text.to(noisy.device, dtype).repeat_interleave(frames, 0)  # every frame reads it
    sample = torch.cat([noisy, hidden, condition], 2).transpose(1, 2).to(dtype)  # B C+1+K T h w
    output: Tensor = denoiser(sample, timestep, text).sample
    return output.transpose(1, 2).float()


def hidden_cells(mask: Tensor, downsampling: int) -> Tensor:
    """Mask `... 1 H W` => `... 1 h w`: a latent cell is known only if all the pixels under it are.

    >>> hidden_cells(torch.eye(4).view(1, 1, 4, 4), 2).int().tolist()
    [[[[1, 0], [0, 1]]]]
    """
    cells = F.max_pool2d(mask.reshape(-1, *mask.shape[-3:]).float(), downsampling)
    return cells.view(*mask.shape[:-2], *cells.shape[-2:])
