"""Which engine computes the networks, and the change to it."""

import importlib.util
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from restore.engines.cache import cached, folders
from restore.engines.ncnn_network import NcnnNetwork
from restore.errors import ConfigError
from restore.models.padded import PaddedNetwork

PACKAGES = "ncnn", "pnnx"  # of requirements-fast.txt

log = logging.getLogger(__name__)


def choose_engine(wanted: str, device: torch.device, precision: str) -> str:
    """The engine to compute with, `torch` or `ncnn`.

    Args:
        wanted: `torch`, `ncnn`, or `auto`: ncnn where it is installed and faster, that is in float32 on a CPU that does
            not compute in bfloat16.
        precision: `float32`, `bfloat16`, or `auto`.

    Raises:
        ConfigError: ncnn is wanted, and is not installed, or cannot compute that.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if wanted == "auto":
        slower = precision == "bfloat16" or (precision == "auto" and torch.cpu._is_amx_tile_supported())
        return "torch" if missing or slower or device.type != "cpu" else "ncnn"
    if wanted == "ncnn":
        if missing:
            raise ConfigError(
                f"engine is ncnn, which is not installed: {' and '.join(missing)} of requirements-fast.txt; "
                "pip install -r requirements-fast.txt, or leave --engine out"
            )
        if device.type != "cpu" or precision == "bfloat16":
            raise ConfigError(
                f"engine is ncnn, which computes in float32 on a CPU; got device {device} and precision {precision}; "
                "leave one of them out"
            )
    return wanted


def accelerate(models: dict[str, nn.Module], weights: Path) -> None:
    """From now on ncnn computes the networks in `models`. What it cannot, PyTorch computes as before.

    Args:
        models: by the names that their files get.
        weights: the file, or folder, that they were loaded from: what is exported is kept beside it, or in the user's
            cache where nothing can be written there, for the next time.
    """
    for name, model in models.items():
        for network in _networks(model):
            try:
                network.engine = _engine(network, name, weights)
            except (RuntimeError, OSError) as error:  # OSError: not even for a while can anything be written
                log.warning("PyTorch computes the %s, as ncnn cannot: %s", name, error)


def _engine(network: PaddedNetwork, name: str, weights: Path) -> NcnnNetwork:
    for folder in folders(weights):
        try:
            return NcnnNetwork(cached(network, folder, name))
        except OSError as error:
            log.debug("nothing can be kept in %s: %s", folder, error)
    log.warning("the engine is exported anew each time, as nothing can be written beside the weights: %s", weights)
    with tempfile.TemporaryDirectory() as temporary:
        return NcnnNetwork(cached(network, Path(temporary), name))


def _networks(model: nn.Module) -> Iterator[PaddedNetwork]:
    """The outermost that can be exported."""
    if isinstance(model, PaddedNetwork):
        yield model
        return
    for child in model.children():
        yield from _networks(child)
