"""Proves a report: that the files it names are those it was written of, and that the same work gives the same bytes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restore.errors import ConfigError
from restore.inference.report import digests, read_sealed
from restore.inference.versions import versions
from restore.shipped import ROOT

SEGMENTER, SCALER = "segmenter.pth", "scaler.pth"  # what lies beside the weights and belongs to them


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
    for role, name, digest in _files(report):
        file = _find(name, path.parent, beside=role in ("output", "side file"))
        now = digests(file=file)["file"] if file else None
        found = "is missing, or cannot be read" if now is None else "has changed" if now != digest else "is the same"
        yield f"{role} {found}: {file or name}", now == digest
    if again:
        yield _again(report, path.parent)


def weights_files(weights: str | Path | None, *, scaler: bool = False) -> dict[str, Path | None]:
    """The files that a restorer's models come from, by their roles in a report; `scaler`: whether it enlarges."""
    generator = _generator(weights) if weights is not None else None
    beside = {"segmenter": SEGMENTER} | ({"scaler": SCALER} if scaler else {})
    files: dict[str, Path | None] = {"weights": generator}
    for role, name in beside.items():
        path = generator and generator.with_name(name)
        files[role] = path if path and path.exists() else None
    return files


def _generator(weights: str | Path) -> Path:
    return Path(weights) / "generator.pth" if Path(weights).is_dir() else Path(weights)


def _files(report: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Role, name and digest of each file whose digest is known."""
    names = {role: report[role] for role in ("input", "mask", "original", "output")}
    if report["weights"]:
        generator = _generator(report["weights"])
        names |= {"weights": str(generator)}
        names |= {"segmenter": str(generator.with_name(SEGMENTER)), "scaler": str(generator.with_name(SCALER))}
    for role, digest in report["sha256"].items():
        if role == "side_files":
            yield from (("side file", name, of_file) for name, of_file in digest.items())
        elif digest and names.get(role):
            yield role, names[role], digest


def _find(name: str, folder: Path, *, beside: bool = False) -> Path | None:
    """A file by the name that a report in the folder gives it; what is `beside` the report, there."""
    places = (folder / name,) if beside else (Path(name), ROOT / name, folder / Path(name).name)
    return next((place for place in places if place.exists()), None)


def _again(report: dict[str, Any], folder: Path) -> tuple[str, bool]:
    from restore.inference.files import restore_file
    from restore.pipeline import Restorer

    if report["regenerated"] is not None or report["broken"] is not None:
        raise ConfigError(f"what was refined, or is broken, cannot be restored again to compare: {report['output']}")
    found = {role: _find(report[role], folder) if report[role] else None for role in ("input", "mask", "weights")}
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
            **settings,
        )
        same = digests(output=output)["output"] == report["sha256"]["output"]
    if same:
        return f"restored again, to the same bytes: {report['output']}", True
    then, now = report["versions"], versions(restorer.engine)
    differ = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    others = [f"{name} {then.get(name)}, now {now.get(name)}" for name in differ]
    why = f"as it was computed with {'; '.join(others)}" if others else "though all that computes it is the same"
    return f"restored again, to other bytes, {why}: {report['output']}", False
