"""Exported networks, kept for the next time, and made anew when the weights or the packages are others."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch

from restore.engines.export import export
from restore.engines.ncnn_network import BIN, PARAM
from restore.models.padded import PaddedNetwork

RECORD = "record.json"  # what a folder holds: {"network": fingerprint, "files": {name: sha256}}

log = logging.getLogger(__name__)


def folders(weights: Path) -> list[Path]:
    """Where exported networks may be kept, best first: beside the weights, and in the user's cache."""
    beside = weights if weights.is_dir() else weights.parent
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = hashlib.sha256(str(beside.resolve()).encode(errors="surrogateescape")).hexdigest()[:16]
    return [beside / ".ncnn", users / "restore" / place]


def cached(network: PaddedNetwork, folder: Path, name: str) -> Path:
    """A folder inside `folder` that holds the exported network: as it did, or from now on.

    Raises:
        OSError: nothing can be written there.
        RuntimeError: the network cannot be exported.
    """
    wanted = fingerprint(network)
    kept = folder / f"{name}-{wanted[:16]}"
    if _whole(kept, wanted):
        return kept
    if kept.exists():
        log.warning("what was exported is broken and is made anew: %s", kept)

    folder.mkdir(parents=True, exist_ok=True)
    # It appears whole: two processes may do this at once, and any of them may be ended.
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        log.info("preparing the %s for ncnn, once", name)
        export(network, made)
        (made / RECORD).write_text(json.dumps({"network": wanted, "files": _digests(made)}))
        if not _whole(kept, wanted):  # by another process meanwhile
            shutil.rmtree(kept, ignore_errors=True)
            made.replace(kept)
    for other in folder.glob(f"{name}-*"):
        if other != kept:  # of weights that were here before
            shutil.rmtree(other, ignore_errors=True)
    return kept


def fingerprint(network: PaddedNetwork) -> str:
    """Of the weights, the layers, and the packages that export and compute them."""
    digest = hashlib.sha256(repr(network).encode())
    for package in ("ncnn", "pnnx", "torch"):
        digest.update(f"{package} {version(package)}".encode())
    for name, value in network.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _whole(kept: Path, wanted: str) -> bool:
    """Whether the folder holds the network of that fingerprint as it was written."""
    try:
        record = json.loads((kept / RECORD).read_text())
        return bool(record == {"network": wanted, "files": _digests(kept)})
    except (OSError, ValueError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (PARAM, BIN)}
