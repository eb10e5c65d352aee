"""Models in diffusers' own layout on disk (`config.json` and safetensors): loaded with one clear line where they do
not fit, written whole or not at all. Only safetensors are read: nothing in a file is ever run.
"""

import copy
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from diffusers import AutoencoderKL, AutoencoderTiny, AutoModel, ModelMixin
from diffusers.utils import logging

from restore.errors import WeightsError

T = TypeVar("T")


def load_autoencoder(name: str | Path) -> AutoencoderKL | AutoencoderTiny:
    """An autoencoder from a folder or by its hub id, on the CPU, in evaluation mode, float32.

    Raises:
        WeightsError: there is none, it cannot be downloaded, it is broken, or it is another kind of model.
    """
    model = from_pretrained(AutoModel.from_pretrained, name, what="autoencoder")
    if not isinstance(model, AutoencoderKL | AutoencoderTiny):
        kind = type(model).__name__
        raise WeightsError(f"holds a {kind}, expected an AutoencoderKL or AutoencoderTiny: {name}")
    return model.eval()


def from_pretrained(load: Callable[..., T], name: str | Path, *, what: str, **kwargs: Any) -> T:
    """What diffusers' or transformers' `load` makes of a folder or a hub id, its errors in one line.

    Raises:
        WeightsError: see `load_autoencoder`.
    """
    local = Path(name).exists()
    if not local and (Path(name).is_absolute() or str(name).count("/") != 1 or str(name).startswith(".")):
        raise WeightsError(f"no such folder, and not a hub id (OWNER/NAME); give the {what}'s folder: {name}")
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # an AutoencoderTiny warns of its own configuration
    logging.disable_progress_bar()  # a few files from the disk
    try:
        return load(str(name), local_files_only=local, use_safetensors=True, **kwargs)
    except Exception as error:  # they fail in a dozen ways on files that are none of theirs
        reason = " ".join(str(error).split())[:200]
        if local:
            raise WeightsError(f"the {what} is incomplete or broken ({reason}): {name}") from error
        raise WeightsError(
            f"no such folder, and the {what} cannot be downloaded ({reason}); give a folder, or a network: {name}"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def save_part(model: ModelMixin, folder: str | Path) -> None:
    """Write a model's configuration and weights (fp16) as `folder`, in the place of what is there."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{kind}") for kind in ("tmp", "old"))
    try:
        copy.deepcopy(model).cpu().half().save_pretrained(temporary)
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
    finally:
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)
