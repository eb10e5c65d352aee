"""What a training begins from, loaded before anything is written: new models, or the weights of others.

The trainings that need diffusers have a file of their own, `initial_latent.py`: it takes seconds to import.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from restore.errors import WeightsError
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.pix2pix import Pix2PixUNet
from restore.models.scaler import Scaler
from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_noise, load_scaler, load_segmenter
from restore.shipped import shipped
from restore.training.config import NoiseConfig, ObstructionConfig, ScaleConfig, TrainConfig
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
class InitialNoise:
    """The noise network learns, the generator is frozen."""

    network: NoiseNetwork
    kwargs: dict[str, Any]  # that rebuild the network
    generator: GatedGenerator


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


def initial_noise(config: NoiseConfig) -> InitialNoise:
    """A new network, or that of `config.init_from`, and the generator that restores before it.

    Raises:
        WeightsError: the weights of one are missing, broken, or of another shape, or the generator knows no noise.
    """
    generator = load_models(shipped(config.generator), ("generator",))["generator"]
    if not isinstance(generator, GatedGenerator):
        raise WeightsError(
            f"the generator is a {type(generator).__name__}, which does not estimate noise; expected a GatedGenerator, "
            f"of train.py --architecture gated: {config.generator}"
        )
    torch.manual_seed(config.seed)
    kwargs = {"widths": list(config.widths), "blocks": [1] * (len(config.widths) - 1) + [2]}
    network = NoiseNetwork(**kwargs)
    if config.init_from:
        _take_over(network, load_noise(shipped(config.init_from)), config.init_from, "noise network", "--widths")
    return InitialNoise(network, kwargs, generator)


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
        learned = load_scaler(shipped(config.init_from))
        _take_over(scaler, learned, config.init_from, "scaler", "--width, --blocks and --carried")
    return InitialScaler(scaler, kwargs, generator)


def _take_over(network: nn.Module, learned: nn.Module, path: str, name: str, flags: str) -> None:
    """Begin with what another network of the same shape, of that path, has learned."""
    try:
        network.load_state_dict(learned.state_dict())
    except RuntimeError as error:
        raise WeightsError(
            f"the {name} has another shape; give the {flags} it was trained with, or another --init_from: {path}"
        ) from error
