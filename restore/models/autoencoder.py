"""The autoencoder whose latents the refiner works in: any of diffusers', or a small one of our own kind.

Latents are moved and scaled to unit variance by the `shift_factor` and `scaling_factor` of its configuration, as in
latent diffusion (Rombach et al. 2022).
"""

from typing import TypeAlias

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor

Autoencoder: TypeAlias = AutoencoderKL | AutoencoderTiny
AT_ONCE = 16  # frames: bounds the memory, and more gain no speed


def build_autoencoder(*, latent_channels: int, downsampling: int, width: int) -> AutoencoderTiny:
    """A small autoencoder for frames: plain convolutions, few of them at full resolution.

    Args:
        latent_channels: C.
        downsampling: pixels a side of a latent cell: a power of two, 2 or more.
        width: channels inside.

    >>> build_autoencoder(latent_channels=4, downsampling=4, width=8).encode(torch.zeros(1, 3, 16, 24)).latents.shape
    torch.Size([1, 4, 4, 6])
    """
    levels = downsampling.bit_length()  # full resolution is one
    if downsampling < 2 or downsampling != 2 ** (levels - 1):
        raise ValueError(f"downsampling is {downsampling}, expected a power of two from 2 on")
    blocks = (0, 1, *(3,) * (levels - 2))
    widths = (width,) * levels
    return AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks[::-1],
        scaling_factor=1.0,
    )


def downsampling(vae: Autoencoder) -> int:
    """Pixels a side of a latent cell.

    >>> downsampling(build_autoencoder(latent_channels=4, downsampling=8, width=8))
    8
    """
    widths: tuple[int, ...] = vae.config.block_out_channels
    return 2 ** (len(widths) - 1)


def encode(vae: Autoencoder, frames: Tensor) -> Tensor:
    """Frames `... 3 H W` in [-1, 1], H and W multiples of `downsampling` => latents `... C h w` of unit variance."""
    parts = []
    for part in frames.reshape(-1, *frames.shape[-3:]).to(vae.device, vae.dtype).split(AT_ONCE):
        encoded = vae.encode(part.contiguous(memory_format=torch.channels_last))
        parts.append(encoded.latents if isinstance(vae, AutoencoderTiny) else encoded.latent_dist.mode())
    latents = torch.cat(parts)
    latents = (latents.float() - _shift(vae)) * vae.config.scaling_factor
    return latents.view(*frames.shape[:-3], *latents.shape[1:])


def decode(vae: Autoencoder, latents: Tensor) -> Tensor:
    """Latents `... C h w` => frames `... 3 H W`, about [-1, 1] (not clipped)."""
    raw = latents.reshape(-1, *latents.shape[-3:]) / vae.config.scaling_factor + _shift(vae)
    parts = [
        vae.decode(part.contiguous(memory_format=torch.channels_last)).sample
        for part in raw.to(vae.device, vae.dtype).split(AT_ONCE)
    ]
    frames = torch.cat(parts).float()
    return frames.view(*latents.shape[:-3], *frames.shape[1:])


def normalise(vae: Autoencoder, *, mean: float, std: float) -> None:
    """Set the configuration so that latents which came out with this mean and deviation come out with 0 and 1."""
    vae.register_to_config(
        scaling_factor=vae.config.scaling_factor / std,
        shift_factor=_shift(vae) + mean / vae.config.scaling_factor,
    )


def _shift(vae: Autoencoder) -> float:
    return vae.config.shift_factor or 0.0
