"""What each training begins from, loaded before anything is written: new models, or the weights of others."""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNetMotionModel
from torch import nn

from restore.errors import ConfigError, WeightsError
from restore.models.autoencoder import Autoencoder, build_autoencoder, downsampling
from restore.models.denoiser import build_denoiser
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.pretrained import load_autoencoder
from restore.models.scaler import Scaler
from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_scaler, load_segmenter
from restore.refinement.load import load_refiner
from restore.shipped import shipped
from restore.training.config import AutoencoderConfig, ObstructionConfig, RefinerConfig, ScaleConfig, TrainConfig
from restore.training.imagenet import load_imagenet


@dataclass(frozen=True)
class InitialGenerator:
    """Generator and discriminator learn. Without a finder, one is trained first; finder and segmenter find masks."""

    generator: nn.Module
    kwargs: dict[str, Any]  # that rebuild the generator
    discriminator: PatchGAN
    finder: OcclusionFinder | None
    segmenter: Segmenter | None


@dataclass(frozen=True)
class InitialRefiner:
    """The denoiser learns; the autoencoder and the generator are frozen."""

    denoiser: UNetMotionModel
    vae: Autoencoder
    generator: nn.Module


@dataclass(frozen=True)
class InitialScaler:
    """The scaler learns, the generator is frozen."""

    scaler: Scaler
    kwargs: dict[str, Any]  # that rebuild the scaler
    generator: nn.Module


def initial_generator(config: TrainConfig) -> InitialGenerator:
    """New models, or those of `config.init_from`; a discriminator is always new.

    Raises:
        WeightsError: there are no such weights, they are broken, or of another shape.
    """
    given = load_models(shipped(config.init_from), ("generator", "finder")) if config.init_from else {}
    segmenter = load_segmenter(shipped(config.segmenter)) if config.segmenter else None
    torch.manual_seed(config.seed)
    generator: nn.Module
    if config.architecture == "pix2pix":
        kwargs: dict[str, Any] = {"width": config.width}
        generator = Pix2PixUNet(**kwargs)
    else:
        # Whole eights: what CPUs compute at once.
        kwargs = {"widths": [8 * (config.width * times // 16) for times in (2, 3, 5, 8)]}
        if config.architecture == "gated":
            kwargs["reads_spectrum"] = True
        generator = (GatedGenerator if config.architecture == "gated" else UNetGenerator)(**kwargs)
    discriminator, finder = PatchGAN(), given.get("finder")
    assert finder is None or isinstance(finder, OcclusionFinder), "the weights' finder is of another class"
    if given:
        try:
            if isinstance(generator, GatedGenerator) and isinstance(given["generator"], UNetGenerator | GatedGenerator):
                generator.take_over(given["generator"])
            else:
                generator.load_state_dict(given["generator"].state_dict())
        except RuntimeError as error:
            raise WeightsError(
                f"the generator has another shape; give the --architecture and --width it was trained with, or another "
                f"--init_from: {config.init_from}"
            ) from error
    return InitialGenerator(generator, kwargs, discriminator, finder, segmenter)


def initial_segmenter(config: ObstructionConfig) -> Segmenter:
    """A new segmenter with what `config.imagenet` has learned from pictures, or `config.init_from`.

    Raises:
        WeightsError: there are no such weights, or they are broken.
    """
    torch.manual_seed(config.seed)
    if config.init_from:
        return load_segmenter(shipped(config.init_from))
    segmenter = Segmenter()
    load_imagenet(segmenter.efficientnet, shipped(config.imagenet))
    return segmenter


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
        return InitialRefiner(refiner.unet, refiner.vae, generator)
    vae = load_autoencoder(shipped(config.vae))
    _check_cells(config, vae)
    torch.manual_seed(config.seed)
    denoiser = build_denoiser(latent_channels=vae.config.latent_channels, widths=config.widths, frames=config.window)
    return InitialRefiner(denoiser, vae, generator)


def initial_scaler(config: ScaleConfig) -> InitialScaler:
    """A new scaler, or that of `config.init_from`, and the generator that restores before it.

    Raises:
        WeightsError: the weights of one are missing, broken, or of another shape.
    """
    generator = load_models(shipped(config.generator), ("generator",))["generator"]
    torch.manual_seed(config.seed)
    kwargs = {"width": config.width, "blocks": config.blocks, "memory": config.carried}
    scaler = Scaler(**kwargs)
    if config.init_from:
        try:
            scaler.load_state_dict(load_scaler(shipped(config.init_from)).state_dict())
        except RuntimeError as error:
            raise WeightsError(
                f"the scaler has another shape; give the --width, --blocks and --carried it was trained with, or "
                f"another --init_from: {config.init_from}"
            ) from error
    return InitialScaler(scaler, kwargs, generator)


def _check_cells(config: RefinerConfig, vae: Autoencoder) -> None:
    side = downsampling(vae)
    for name, value in (("crop_height", config.crop_height), ("crop_width", config.crop_width)):
        if value % side:
            raise ConfigError(
                f"{name} is {value}, expected a multiple of {side}, the pixels a side of the autoencoder's latent cells"
            )
