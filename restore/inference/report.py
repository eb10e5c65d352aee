"""The report of a restored video, `STEM_restored.json`: it says what was done, and that it was done."""

import json
import re
import secrets
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from restore.errors import ConfigError, RestoreError, VideoError
from restore.video.files import images_in, part_path

# Of what is read again. Names of outputs are without a folder: nothing is written, or looked for, elsewhere.
KINDS: dict[str, Any] = {
    **dict.fromkeys(("input", "output"), str),
    **dict.fromkeys(("mask", "original", "weights", "broken"), str | None),
    **dict.fromkeys(("stages", "side_files", "warnings"), list),
    **dict.fromkeys(("part", "frames", "width", "height"), int),
    **dict.fromkeys(("seconds", "hidden"), int | float),
    "next_part": int | None,
    "provenance": dict,
    **dict.fromkeys(("scores", "regenerated"), dict | None),
}


def report_path(output: Path) -> Path:
    """Where the report of a restored video lies.

    >>> report_path(Path("out/clip_restored.avi")).as_posix()
    'out/clip_restored.json'
    """
    return output.with_suffix(".json")


def read_report(output: Path) -> dict[str, Any] | None:
    """The report of the video `output`; None where there is none, or one of another video or program."""
    report = _read(report_path(output))
    return report if report.get("output") == output.name else None


def read_reports(output: Path) -> list[dict[str, Any]]:
    """The reports of all parts of a result; an empty one for a part that is missing."""
    reports = [read_report(output) or {}]
    while reports[-1].get("next_part") == len(reports):
        reports.append(read_report(part_path(output, len(reports))) or {})
    return reports


def read_sealed(path: Path) -> dict[str, Any]:
    """A report as it was written.

    Raises:
        ConfigError: there is none, it is of another program or version, or it was changed since.
    """
    report = _read(path)
    if not {*KINDS, "sha256", "versions", "settings", "seal"} <= report.keys():
        raise ConfigError(f"not a report of this version, which inference.py writes as STEM_restored.json: {path}")
    if report["seal"] != seal(report):
        raise ConfigError(f"the report was changed after it was written, and proves nothing: {path}")
    return report


def seal(report: dict[str, Any]) -> str:
    """The SHA-256 of all that a report says. It tells that something was changed by mistake; who means to change it can
    make another: keep the seal elsewhere if that matters.
    """
    said = {name: value for name, value in report.items() if name != "seal"}
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def is_result(path: Path) -> bool:
    """Whether a report in its folder says that an earlier run wrote it: a restored video, or what goes with one."""
    stem, part = re.fullmatch(r"(.*?)(\.part\d+)?", path.stem, re.DOTALL).groups("")  # type: ignore[union-attr]
    if stem.endswith("_restored"):
        return read_report(path) is not None
    words = stem.split("_")  # STEM_mask, STEM_side_by_side: where STEM ends is for the reports to say
    reports = (_read(path.with_name(f"{'_'.join(words[:n])}_restored{part}.json")) for n in range(1, len(words)))
    return any(path.name in report.get("side_files", []) for report in reports)


def digests(**paths: str | Path | None) -> dict[str, str | None]:
    """The SHA-256 of each file by its role, as `sha256sum` prints it; of a folder, that of its images, or of all files
    of a model in diffusers' layout, in their order, as if they were one file. None for what is not given, or could no
    longer be read.
    """
    return {role: _digest(Path(path)) if path else None for role, path in paths.items()}


def check_report(output: Path) -> None:
    """Refuse to replace what is not a report of `output`.

    Raises:
        VideoError: there is such a file.
    """
    path = report_path(output)
    if path.exists() and read_report(output) is None:
        raise VideoError(
            f"not the report of {output.name}, and in its place; move it away, or ask to overwrite it: {path}"
        )


def check_new(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file, unless that is asked for.

    Raises:
        VideoError: there is one.
    """
    if path.exists() and not overwrite:
        raise VideoError(f"the output exists already; move it away, or ask to overwrite it: {path}")


def write_report(output: Path, report: dict[str, Any]) -> None:
    """Seal the report and write it; it appears whole or not at all.

    Raises:
        RestoreError: the disk is full.
    """
    path = report_path(output)
    report["seal"] = seal(report)
    try:
        write_whole(path, json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise RestoreError(f"the video is restored, its report cannot be written ({error.strerror}): {path}") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text; it appears whole or not at all, in place of the one before.

    Raises:
        OSError: the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")  # several machines may write it at once
    try:
        # Bytes of names that are no UTF-8 are escaped as JSON escapes a character.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(path: Path) -> str | None:
    try:
        if path.is_file():
            with open(path, "rb") as file:
                return file_digest(file, "sha256").hexdigest()
        whole = sha256()
        for one in _model_files(path) or images_in(path):
            whole.update(one.read_bytes())
        return whole.hexdigest()
    except OSError:  # the video is restored; its report must not be lost with a disk that was taken out
        return None


def _model_files(folder: Path) -> list[Path]:
    """The files of a model in diffusers' layout, whose parts lie in folders of their own; none of any other folder."""
    if not any((folder / name).exists() for name in ("model_index.json", "config.json")):
        return []
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _read(path: Path) -> dict[str, Any]:
    """A JSON object whose fields, as far as it has them, are those of a report; an empty one where there is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(report, dict):
        return {}
    if not all(isinstance(report[name], kind) for name, kind in KINDS.items() if name in report):
        return {}
    names = [report.get("output", "output"), *report.get("side_files", [])]
    return report if all(isinstance(name, str) and name == Path(name).name for name in names) else {}
