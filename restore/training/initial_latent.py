"""What the trainings of the autoencoder and of the refiner begin from: new models, or those in diffusers' layout."""

from dataclasses import dataclass

import torch
from diffusers import AutoencoderTiny
from torch import nn

from restore.errors import ConfigError, WeightsError
from restore.models.autoencoder import Autoencoder, build_autoencoder, downsampling
from restore.models.denoiser import build_denoiser
from restore.models.pretrained import load_autoencoder
from restore.models.video_unet import VideoUNet
from restore.models.weights import load_models
from restore.refinement.load import load_refiner
from restore.shipped import shipped
from restore.training.config import AutoencoderConfig, RefinerConfig


@dataclass(frozen=True)
class InitialRefiner:
    """The denoiser learns; the autoencoder and the generator are frozen."""

    denoiser: VideoUNet
    vae: Autoencoder
    generator: nn.Module


def initial_autoencoder(config: AutoencoderConfig) -> AutoencoderTiny:
    """A new autoencoder, or `config.init_from`.

    Raises:
        WeightsError: there are no such weights, they are broken, or of another kind.
    """
    if not config.init_from:
        torch.manual_seed(config.seed)
        return build_autoencoder(
            latent_channels=config.latent_channels, downsampling=config.downsampling, width=config.width
        )
    vae = load_autoencoder(shipped(config.init_from))
    if not isinstance(vae, AutoencoderTiny):
        raise WeightsError(f"only an AutoencoderTiny is trained here, got {type(vae).__name__}: {config.init_from}")
    vae.register_to_config(scaling_factor=1.0, shift_factor=0.0)  # measured anew when it is written
    return vae


def initial_refiner(config: RefinerConfig) -> InitialRefiner:
    """A new denoiser for the latents of `config.vae`, or the denoiser and the autoencoder of `config.init_from`.

    Raises:
        WeightsError: one of the models is missing or broken, or they do not fit each other.
        ConfigError: the crops are no whole latent cells.
    """
    generator = load_models(shipped(config.generator), ("generator",))["generator"]
    if config.init_from:
        refiner = load_refiner(shipped(config.init_from))
        _check_cells(config, refiner.vae)
        if not isinstance(refiner.unet, VideoUNet):
            kind = type(refiner.unet).__name__
            raise WeightsError(f"only a VideoUNet is trained here, got {kind}: {config.init_from}")
        return InitialRefiner(refiner.unet, refiner.vae, generator)
    vae = load_autoencoder(shipped(config.vae))
    _check_cells(config, vae)
    torch.manual_seed(config.seed)
    denoiser = build_denoiser(latent_channels=vae.config.latent_channels, widths=config.widths, frames=config.window)
    return InitialRefiner(denoiser, vae, generator)


def _check_cells(config: RefinerConfig, vae: Autoencoder) -> None:
    side = downsampling(vae)
    for name, value in (("crop_height", config.crop_height), ("crop_width", config.crop_width)):
        if value % side:
            raise ConfigError(
                f"{name} is {value}, expected a multiple of {side}, the pixels a side of the autoencoder's latent cells"
            )
