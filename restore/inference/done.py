"""Whether an earlier run did what is asked for now: then it need not be done again."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from restore.errors import VideoError
from restore.inference.journal import differences
from restore.inference.report import digests, read_sealed, report_path


def done_before(
    output: Path,
    asked: dict[str, Any],
    *,
    files: dict[str, str | Path | None],
    models: dict[str, Path | None],
    side_files: Sequence[str],
    lpips: bool,
) -> dict[str, Any]:
    """The report of the run that restored `output`, where it had the same settings, the same bytes of input, mask and
    weights, of the original if one is given, and what it wrote still has its SHA-256. What it wrote or scored beyond
    what is asked for now does not count, nor do the device, and the versions of packages.

    Args:
        asked: the settings, from `reporting.asked_for`.
        files: the `input`, the `mask` and the `original`, None where there is none.
        models: the files that the models come from, from `verify.weights_files`.
        side_files: names of what is to be written with it.
        lpips: whether LPIPS is to be scored.

    Raises:
        ConfigError: the report is of another version, or was changed.
        VideoError: something differs; the line says what.
    """
    report = read_sealed(report_path(output))
    then = report["sha256"]

    def changes() -> Iterator[list[str]]:
        """From what is quick to compare to what takes long: nothing is read whole where a setting differs."""
        yield differences(_settings(report, asked), _settings(asked, asked))
        if lpips and report["scores"] and "lpips" not in report["scores"]["after"]:
            yield ["LPIPS was not scored"]
        now = {f"file of {role}": digest for role, digest in digests(**models).items()}
        yield differences({f"file of {role}": then.get(role) for role in models}, now)
        inputs = {role: path for role, path in files.items() if path or role != "original"}
        yield differences({role: then.get(role) for role in inputs}, digests(**inputs))
        if then["output"] != digests(output=output)["output"]:
            yield ["it has changed since"]
        sides = {f"file {name}": output.with_name(name) for name in side_files}
        yield differences({f"file {name}": then["side_files"].get(name) for name in side_files}, digests(**sides))

    for changed in changes():
        if changed:
            raise VideoError(
                f"the output exists already, and {'; '.join(changed)}; move it away, or ask to overwrite it: {output}"
            )
    return report


def _settings(report: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, by its names in lines for people, as JSON holds it."""
    flat = {name: report.get(name) for name in asked if name not in ("device", "settings", "regenerated")}
    flat |= {"list of stages": flat.pop("stages"), "list of kinds to remove": flat.pop("remove")}
    refining = {name: value for name, value in (report["regenerated"] or {}).items() if name != "regions"}
    return dict(json.loads(json.dumps(flat | report["settings"] | refining)))
