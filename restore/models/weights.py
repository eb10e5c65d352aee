"""Models on disk: weights and the keyword arguments that rebuild the model, nothing that could run code.

A file holds {"format": FORMAT, NAME: {"class": ..., "kwargs": {...}, "weights": {...}}, ...}: `generator.pth` holds a
`generator` and a `finder`, `segmenter.pth` a `segmenter`, `noise.pth` the `noise` network, `scaler.pth` a `scaler`.
"""

import os
import pickle
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from restore.errors import WeightsError
from restore.models.archive import check_archive, check_entry, refuse_other_shapes
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.pix2pix import Pix2PixUNet
from restore.models.scaler import Scaler
from restore.models.segmenter import Segmenter

M = TypeVar("M", bound=nn.Module)

FORMAT = "restore/1"
CLASSES: dict[str, type[nn.Module]] = {
    model.__name__: model
    for model in (
        GatedGenerator,
        UNetGenerator,
        Pix2PixUNet,
        NoiseNetwork,
        OcclusionFinder,
        Segmenter,
        Scaler,
        PatchGAN,
    )
}


def save_models(path: str | Path, models: dict[str, tuple[nn.Module, dict[str, Any]]], *, half: bool = True) -> None:
    """Write models by name, each with its keyword arguments; the file appears whole or not at all.

    Args:
        half: store floating-point weights as fp16.
    """
    content: dict[str, Any] = {"format": FORMAT}
    for name, (model, kwargs) in models.items():
        weights = {
            key: value.detach().cpu().half() if half and value.is_floating_point() else value.detach().cpu()
            for key, value in model.state_dict().items()
        }
        content[name] = {"class": type(model).__name__, "kwargs": kwargs, "weights": weights}
    save_whole(path, content)


def save_whole(path: str | Path, content: dict[str, Any]) -> None:
    """`torch.save` into a temporary file in the folder of `path`, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torch.save(content, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_models(path: str | Path, names: tuple[str, ...]) -> dict[str, nn.Module]:
    """The models called `names` from a file, on the CPU, in evaluation mode, float32.

    Raises:
        WeightsError: the file is missing, damaged, holds code, states more than it has, or belongs to other models.
    """
    content = load_whole(path)
    if content.get("format") != FORMAT:
        found = ", ".join(sorted(str(key)[:50] for key in content if isinstance(key, str | int))[:5])
        raise WeightsError(
            f"weights of another program: expected a file that train.py wrote, found keys {found}: {path}"
        )
    models = {}
    for name in names:
        if name not in content:
            have = ", ".join(key[:50] for key in [*content][:9] if isinstance(key, str) and key != "format")
            raise WeightsError(f"holds {have}, expected {name}; give the file that train.py calls {name}.pth: {path}")
        try:
            entry = content[name]
            check_entry(entry, Path(path).stat().st_size)
            with torch.device("meta"):  # its size is looked at before it takes memory
                refuse_other_shapes(CLASSES[entry["class"]](**entry["kwargs"]), entry["weights"])
            model = CLASSES[entry["class"]](**entry["kwargs"])
            model.load_state_dict({key: value.float() for key, value in entry["weights"].items()})
        except (KeyError, TypeError, RuntimeError, AttributeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"the {name}'s weights do not fit this version's model ({reason}): {path}") from error
        models[name] = model.eval()
    return models


def load_segmenter(path: str | Path) -> Segmenter:
    """The segmenter of a `segmenter.pth`; see `load_models`."""
    return _load(path, "segmenter", Segmenter)


def load_noise(path: str | Path) -> NoiseNetwork:
    """The noise network of a `noise.pth`; see `load_models`."""
    return _load(path, "noise", NoiseNetwork)


def load_scaler(path: str | Path) -> Scaler:
    """The scaler of a `scaler.pth`; see `load_models`."""
    return _load(path, "scaler", Scaler)


def _load(path: str | Path, name: str, kind: type[M]) -> M:
    model = load_models(path, (name,))[name]
    if not isinstance(model, kind):
        raise WeightsError(f"expected a {kind.__name__}, got {type(model).__name__}: {path}")
    return model


def load_whole(path: str | Path) -> dict[str, Any]:
    """A dictionary of tensors and plain values written by `save_whole`. Code in the file is never run.

    Raises:
        WeightsError: the file is missing, is not such a file, or holds anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"no such weights file; train.py writes it: {path}")
    check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"not a file of plain weights (it holds code, or is no weights file); not loaded: {path}"
        ) from error
    except Exception as error:  # torch fails in a dozen ways on bytes that are none of its own
        raise WeightsError(f"the weights file is broken or cut short; copy or download it again: {path}") from error
    if not isinstance(content, dict):
        raise WeightsError(f"holds a {type(content).__name__}, expected the weights that train.py writes: {path}")
    return content
