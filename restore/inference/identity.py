"""What two runs must have in common for one to go on where the other was interrupted."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from restore.inference.report import digests
from restore.inference.versions import versions
from restore.pipeline import Restorer

if TYPE_CHECKING:  # see `restore_file`
    from restore.refinement.hybrid import Hybrid


def identity(
    restorer: Restorer,
    asked: dict[str, Any],
    hybrid: "Hybrid | None",
    *,
    files: dict[str, str | Path | None],
    side_files: Sequence[Path],
    lpips: bool,
) -> dict[str, Any]:
    """Ready for JSON: the SHA-256 of files and models, the settings, and the versions of all that computes.

    Args:
        asked: the settings, by their names in the report.
        files: what goes in, by role.
    """
    models: dict[str, nn.Module | None] = {
        "weights": restorer.generator,
        "finder": restorer.finder,
        "segmenter": restorer.segmenter,
        "noise": restorer.noise,
    }
    if asked["settings"].get("scale"):
        models["scaler"] = restorer.scaler
    if hybrid:
        models |= {"refiner": hybrid.refiner.unet, "autoencoder": hybrid.refiner.vae}
    settings = {name: value for name, value in asked.items() if name != "settings"} | asked["settings"]
    outputs = {"side files": ", ".join(path.name for path in side_files), "lpips": lpips}
    found = digests(**files) | {name: model and _of_model(model) for name, model in models.items()}
    return dict(json.loads(json.dumps(found | settings | outputs | versions(restorer.engine))))


def _of_model(model: nn.Module) -> str:
    """The SHA-256 of all its numbers."""
    whole = sha256()
    for name, tensor in sorted(model.state_dict().items()):
        whole.update(name.encode())
        whole.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return whole.hexdigest()
