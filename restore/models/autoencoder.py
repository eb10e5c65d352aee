"""The autoencoder whose latents the refiner works in: one of diffusers', pretrained or small and trained here.

Latents are moved and scaled to unit variance by the `shift_factor` and `scaling_factor` of its configuration, as in
latent diffusion (Rombach et al. 2022).
"""

import math
from typing import TypeAlias

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, AutoencoderTiny
from diffusers.models.unets.unet_2d_blocks import AutoencoderTinyBlock
from torch import Tensor, nn

Autoencoder: TypeAlias = AutoencoderKL | AutoencoderTiny
SPREAD = 0.25  # deviation of the raw latents: AutoencoderTiny's decoder squeezes what lies beyond 1 or so
AT_ONCE = 16  # frames: bounds the memory, and more gain no speed


def build_autoencoder(*, latent_channels: int, downsampling: int, width: int, blocks: int = 2) -> AutoencoderTiny:
    """A small autoencoder for frames, which works on patches: all its convolutions run at the latents' resolution.

    Args:
        latent_channels: C.
        downsampling: pixels a side of a patch, which is a latent cell.
        width, blocks: channels and residual blocks of the encoder, and of the decoder.

    >>> encode(build_autoencoder(latent_channels=4, downsampling=4, width=8), torch.zeros(1, 3, 16, 24)).shape
    torch.Size([1, 4, 4, 6])
    """
    return AutoencoderTiny(
        in_channels=3 * downsampling**2,
        out_channels=3 * downsampling**2,
        latent_channels=latent_channels,
        encoder_block_out_channels=(width,),
        decoder_block_out_channels=(width,),
        num_encoder_blocks=(blocks,),
        num_decoder_blocks=(blocks,),
        scaling_factor=1.0,
    )


@torch.no_grad()
def start_as_principal_components(vae: AutoencoderTiny, frames: Tensor) -> None:
    """Make a new autoencoder of patches the best linear one for `frames`, `N 3 H W` in [-1, 1].

    16 principal components of 8x8 pixels preserve 34 dB of a small video (`benchmarks/autoencoder.py`). What is left to
    learn is what lies across the patches' borders.

    Raises:
        ValueError: the width is less than twice the latent channels.
    """
    channels, width = vae.config.latent_channels, vae.config.block_out_channels[0]
    if width < 2 * channels:
        raise ValueError(f"width is {width}, expected at least twice the {channels} latent channels")
    patches = F.pixel_unshuffle(frames.double().add(1).div(2), _patch(vae)).movedim(1, -1).flatten(0, -2)  # N 3pp
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh((patches - mean).T.cov())
    code = slice(-channels, None)
    spread, basis = values[code].sqrt().clamp(min=1e-4) / SPREAD, vectors[:, code]
    # ReLU lets only positive numbers through, so each component goes in twice, as it is and negated.
    both = torch.cat([basis, -basis], 1).T  # 2C 3pp
    for layers in (vae.encoder.layers, vae.decoder.layers):
        first, last = layers[0], layers[-1]
        for layer in (first, last):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)
        last.weight[:, len(both) :] = 0  # of the channels that carry nothing yet
        for block in layers:
            if isinstance(block, AutoencoderTinyBlock):
                nn.init.zeros_(block.conv[-1].weight)
                nn.init.zeros_(block.conv[-1].bias)
    carrying = slice(len(both))
    _set_middle(vae.encoder.layers[0], carrying, both)
    vae.encoder.layers[0].bias[carrying] = (-both @ mean).float()
    signs = torch.cat([torch.eye(len(spread)), -torch.eye(len(spread))], 1).double()  # C 2C
    _set_middle(vae.encoder.layers[-1], slice(None), signs / spread[:, None])
    _set_middle(vae.decoder.layers[0], carrying, signs.T)
    _set_middle(vae.decoder.layers[-1], slice(None), (basis * spread) @ signs)
    vae.decoder.layers[-1].bias.copy_(mean)


def _set_middle(layer: nn.Conv2d, rows: slice, weights: Tensor) -> None:
    """Make `layer` the linear map `weights` of each pixel, as far as these reach."""
    layer.weight[rows, : weights.shape[1]] = 0
    layer.weight[rows, : weights.shape[1], 1, 1] = weights.float()


def downsampling(vae: Autoencoder) -> int:
    """Pixels a side of a latent cell.

    >>> downsampling(build_autoencoder(latent_channels=4, downsampling=8, width=8))
    8
    """
    levels = len(vae.config.block_out_channels)
    return int(_patch(vae) * 2 ** (levels - 1))


def encode(vae: Autoencoder, frames: Tensor) -> Tensor:
    """Frames `... 3 H W` in [-1, 1], H and W multiples of `downsampling` => latents `... C h w` of unit variance."""
    latents = torch.cat([raw_latents(vae, x) for x in frames.reshape(-1, *frames.shape[-3:]).split(AT_ONCE)]).float()
    latents = (latents - _shift(vae)) * vae.config.scaling_factor
    return latents.view(*frames.shape[:-3], *latents.shape[1:])


def decode(vae: Autoencoder, latents: Tensor) -> Tensor:
    """Latents `... C h w` => frames `... 3 H W`, about [-1, 1] (not clipped)."""
    raw = latents.reshape(-1, *latents.shape[-3:]) / vae.config.scaling_factor + _shift(vae)
    frames = torch.cat([raw_frames(vae, x) for x in raw.split(AT_ONCE)]).float()
    return frames.view(*latents.shape[:-3], *frames.shape[1:])


def raw_latents(vae: Autoencoder, frames: Tensor) -> Tensor:
    """Frames `N 3 H W` in [-1, 1] => latents `N C h w`, as they come."""
    patches = F.pixel_unshuffle(frames.to(vae.device, vae.dtype), _patch(vae))
    encoded = vae.encode(patches.contiguous(memory_format=torch.channels_last))
    latents: Tensor = encoded.latents if isinstance(vae, AutoencoderTiny) else encoded.latent_dist.mode()
    return latents


def raw_frames(vae: Autoencoder, latents: Tensor) -> Tensor:
    """Latents `N C h w`, as they come => frames `N 3 H W`, about [-1, 1]."""
    patches = vae.decode(latents.to(vae.device, vae.dtype).contiguous(memory_format=torch.channels_last)).sample
    return F.pixel_shuffle(patches, _patch(vae))


def normalise(vae: Autoencoder, *, mean: float, std: float) -> None:
    """Set the configuration so that latents which came out with this mean and deviation come out with 0 and 1."""
    vae.register_to_config(
        scaling_factor=vae.config.scaling_factor / std,
        shift_factor=_shift(vae) + mean / vae.config.scaling_factor,
    )


def _shift(vae: Autoencoder) -> float:
    return vae.config.shift_factor or 0.0


def _patch(vae: Autoencoder) -> int:
    """Pixels a side of what the autoencoder takes for a pixel, of 3 channels for each."""
    return math.isqrt(vae.config.in_channels // 3)
