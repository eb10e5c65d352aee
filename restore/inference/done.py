"""Whether an earlier run did what is asked for now: then it need not be done again."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from restore.errors import VideoError
from restore.inference.journal import differences
from restore.inference.report import digests, read_sealed, report_path
from restore.inference.verify import weights_files


def done_before(
    output: Path,
    asked: dict[str, Any],
    *,
    files: dict[str, str | Path | None],
    weights: str | Path | None,
    side_files: Sequence[str],
    lpips: bool,
) -> dict[str, Any]:
    """The report of the run that restored `output`, where it had the same settings, the same bytes of input, mask and
    weights, of the original if one is given, and what it wrote still has its SHA-256. What it wrote or scored beyond
    what is asked for now does not count, nor do the device, the versions of packages, and the refiner's weights,
    whose SHA-256 no report has.

    Args:
        asked: the settings, from `reporting.asked_for`.
        files: the `input`, the `mask` and the `original`, None where there is none.
        weights: the file that the models come from.
        side_files: names of what is to be written with it.
        lpips: whether LPIPS is to be scored.

    Raises:
        ConfigError: the report is of another version, or was changed.
        VideoError: something differs; the line says what.
    """
    report = read_sealed(report_path(output))
    for changes in _changes(report, output, asked, files, weights, side_files, lpips):
        if changes:
            raise VideoError(
                f"the output exists already, and {'; '.join(changes)}; move it away, or ask to overwrite it: {output}"
            )
    return report


def _changes(
    report: dict[str, Any],
    output: Path,
    asked: dict[str, Any],
    files: dict[str, str | Path | None],
    weights: str | Path | None,
    side_files: Sequence[str],
    lpips: bool,
) -> Iterator[list[str]]:
    # From what is quick to compare to what takes long: nothing is read whole where a setting differs.
    yield differences(_settings(report, asked), _settings(asked, asked))
    if lpips and report["scores"] and "lpips" not in report["scores"]["after"]:
        yield ["LPIPS was not scored"]
    then = report["sha256"]
    models = {
        f"file of {role}": path for role, path in weights_files(weights, scaler="enlarge" in asked["stages"]).items()
    }
    yield differences({name: then.get(name.removeprefix("file of ")) for name in models}, digests(**models))
    inputs = {role: path for role, path in files.items() if path or role != "original"}
    yield differences({role: then.get(role) for role in inputs}, digests(**inputs))
    if then["output"] != digests(output=output)["output"]:
        yield ["it has changed since"]
    sides = {f"file {name}": output.with_name(name) for name in side_files}
    yield differences({f"file {name}": then["side_files"].get(name) for name in side_files}, digests(**sides))


def _settings(report: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, by its names in lines for people, as JSON holds it."""
    flat = {name: report.get(name) for name in asked if name not in ("device", "settings", "regenerated")}
    flat |= {"list of stages": flat.pop("stages"), "list of kinds to remove": flat.pop("remove")}
    refining = {name: value for name, value in (report["regenerated"] or {}).items() if name != "regions"}
    return dict(json.loads(json.dumps(flat | report["settings"] | refining)))
