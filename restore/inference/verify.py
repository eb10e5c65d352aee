"""Proves a report: that the files it names are those it was written of, and that the same work gives the same bytes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from restore.errors import ConfigError
from restore.inference.report import digests, read_sealed
from restore.shipped import ROOT

if TYPE_CHECKING:  # see `restore_file`
    from restore.pipeline import Restorer
    from restore.refinement.hybrid import Hybrid

# What lies beside the weights and belongs to them.
SEGMENTER, NOISE, SCALER = "segmenter.pth", "noise.pth", "scaler.pth"
REFINER = "refiner", "motion_adapter"  # roles of what refines
# Of `restore_file`, what a report may ask for: nothing that names a file.
SETTINGS = {
    "lossless", "quality", "rate", "range", "only_range", "interlaced", "hidden_only", "segment", "light", "scale",
    "square_pixels",
}  # fmt: skip


def verify(path: Path, *, again: bool = False) -> Iterator[tuple[str, bool]]:
    """What is found, a line each, and whether it is as it should be.

    Args:
        path: a report.
        again: also restore the video once more, to a temporary folder, and compare its bytes.

    Raises:
        ConfigError: that is no report, it was changed, or what it tells cannot be done again.
        InputError: the files to do it again with are missing or broken.
    """
    report = read_sealed(path)
    try:
        files = [*_files(report)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"not a report of this version, which inference.py writes as STEM_restored.json: {path}"
        ) from error
    for role, name, digest in files:
        file = _find(name, path.parent, beside=role in ("output", "side file"))
        now = digests(file=file)["file"] if file else None
        found = "is missing, or cannot be read" if now is None else "has changed" if now != digest else "is the same"
        yield f"{role} {found}: {file or name}", now == digest
    if again:
        try:
            with _as_many_threads(report):
                proven = _again(report, path.parent)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"what this report tells cannot be done again ({error}): {path}") from error
        yield proven


def weights_files(
    weights: str | Path | None, hybrid: "Hybrid | None" = None, *, scaler: bool = False
) -> dict[str, Path | None]:
    """The files and folders that the models come from, by their roles in a report; None for what came from a hub.
    `scaler`: whether it enlarges.
    """
    generator = _generator(weights) if weights is not None else None
    beside = {"segmenter": SEGMENTER, "noise": NOISE} | ({"scaler": SCALER} if scaler else {})
    files: dict[str, Path | None] = {"weights": generator}
    for role, name in beside.items():
        path = generator and generator.with_name(name)
        files[role] = path if path and path.exists() else None
    folders = (hybrid.folder, hybrid.motion_adapter) if hybrid else (None, None)
    for role, folder in zip(REFINER, folders, strict=True):
        files[role] = Path(folder) if folder and Path(folder).exists() else None
    return files


def _generator(weights: str | Path) -> Path:
    return Path(weights) / "generator.pth" if Path(weights).is_dir() else Path(weights)


def _files(report: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Role, name and digest of each file whose digest is known."""
    names = {role: report.get(role) for role in ("input", "mask", "original", "output", *REFINER)}
    if report["weights"]:
        generator = _generator(report["weights"])
        names |= {"weights": str(generator)}
        beside = {"segmenter": SEGMENTER, "noise": NOISE, "scaler": SCALER}
        names |= {role: str(generator.with_name(name)) for role, name in beside.items()}
    for role, digest in report["sha256"].items():
        if role == "side_files":
            yield from (("side file", name, of_file) for name, of_file in digest.items())
        elif digest and (name := names.get(role)):
            yield role, name, digest


def _find(name: str, folder: Path, *, beside: bool = False) -> Path | None:
    """A file by the name that a report in the folder gives it; what is `beside` the report, there."""
    places = (folder / name,) if beside else (Path(name), ROOT / name, folder / Path(name).name)
    return next((place for place in places if place.is_file() or place.is_dir()), None)


def _hybrid(report: dict[str, Any], found: dict[str, Path | None], restorer: "Restorer") -> "Hybrid | None":
    """The refiner that the report names, with its settings; None if it names none."""
    if report["regenerated"] is None:
        return None
    from restore.refinement.hybrid import Hybrid, Refinement
    from restore.refinement.load import load_refiner

    assert found["refiner"] is not None
    refiner = load_refiner(found["refiner"], motion_adapter=found["motion_adapter"], dtype=restorer.dtype)
    settings = {name: value for name, value in report["regenerated"].items() if name != "regions"}
    refiner.to(restorer.device)
    return Hybrid(refiner, Refinement(**settings), report["refiner"], report["motion_adapter"])


@contextmanager
def _as_many_threads(report: dict[str, Any]) -> Iterator[None]:
    """As many as then for each network: of another number the last bits may differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(int(report["versions"]["threads"]))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _again(report: dict[str, Any], folder: Path) -> tuple[str, bool]:
    from restore.inference.files import restore_file
    from restore.inference.memory import Memory
    from restore.inference.other_bytes import apart, reasons
    from restore.pipeline import Restorer

    if report["broken"] is not None:
        raise ConfigError(f"what is broken cannot be restored again to compare: {report['output']}")
    roles = ("input", "mask", "weights", *REFINER)
    # What came from a hub has no SHA-256, and comes from there again.
    from_hub = {role for role in REFINER if report[role] and report["sha256"][role] is None}
    found = {
        role: Path(report[role]) if role in from_hub else _find(report[role], folder) if report[role] else None
        for role in roles
    }
    for role, file in found.items():
        if report[role] and file is None:
            raise ConfigError(f"what it was restored with is missing, its {role}: {report[role]}")
    assert found["input"] is not None
    restorer = Restorer.from_pretrained(
        **({"weights": found["weights"]} if found["weights"] else {}),
        generator="generate" in report["stages"],
        finder="find" in report["stages"],
        scaler="enlarge" in report["stages"],
        device=report["device"],
        precision=report["precision"] or "auto",
        engine=report["engine"] or "torch",
    )
    settings = dict(report["settings"])
    if not settings.keys() <= SETTINGS:
        raise ConfigError(f"its settings are none of a restoration ({', '.join(settings)}): {report['output']}")
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / report["output"]
        restore_file(
            restorer,
            found["input"],
            output,
            mask=found["mask"],
            mask_mode=report["mask_mode"],
            **({"remove": report["remove"]} if report["remove"] is not None else {}),
            mask_dilation=report["mask_dilation"],
            strength=report["strength"],
            part=report["part"],
            hybrid=_hybrid(report, found, restorer),
            memory=Memory(strips=report.get("strips")),
            **settings,
        )
        if digests(output=output)["output"] == report["sha256"]["output"]:
            return f"restored again, to the same bytes: {report['output']}", True
        before = _find(report["output"], folder, beside=True)
        known = before and digests(output=before)["output"] == report["sha256"]["output"]
        far = f"; {apart(before, output)}" if before and known else ""
    why = reasons(report, restorer)
    why = f"as it was computed with {why}" if why else "though all that computes it is the same"
    return f"restored again, to other bytes, {why}{far}: {report['output']}", False
