"""The report of a restored video, `STEM_restored.json`: it says what was done, and that it was done."""

import json
import os
from pathlib import Path
from typing import Any

from restore.errors import RestoreError, VideoError


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


def is_result(path: Path) -> bool:
    """Whether a report in its folder says that an earlier run wrote it: a restored video, or what goes with one."""
    if path.stem.endswith("_restored"):
        return read_report(path) is not None
    words = path.stem.split("_")  # STEM_mask, STEM_side_by_side: where STEM ends is for the reports to say
    reports = (_read(path.with_name(f"{'_'.join(words[:n])}_restored.json")) for n in range(1, len(words)))
    return any(path.name in report.get("side_files", []) for report in reports)


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


def write_report(output: Path, report: dict[str, Any]) -> None:
    """Write the report; it appears whole or not at all.

    Raises:
        RestoreError: the disk is full.
    """
    path = report_path(output)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise RestoreError(f"the video is restored, its report cannot be written ({error.strerror}): {path}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
