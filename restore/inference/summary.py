"""What has become of each video of a folder: `summary.json`, and `summary.csv` for a spreadsheet, one row a video."""

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from restore.errors import RestoreError, VideoError, printable
from restore.inference.jobs import Job
from restore.inference.report import read_reports, write_whole
from restore.propagation.provenance import ENLARGED, NAMES

CODES = NAMES[:ENLARGED]  # what is enlarged was seen
COLUMNS = "input", "output", "status", "frames", "seconds", "hidden", *CODES, "psnr_before", "psnr_after", "warnings"
BEGIN = "\ufeff" + ",".join(f'"{column}"' for column in COLUMNS[:3])  # of the table, as `_table` writes it
FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"  # what a cell begins with that a spreadsheet computes


class Summary:
    """Both files, each written whole or not at all after each video. Several processes may share a folder: each changes
    the rows of its own videos only.

    Args:
        folder: that holds the results, and that exists.
        jobs: of all processes, in the order of the rows.
        overwrite: replace files of these names, whatever they are.

    Raises:
        VideoError: one is in their place that is no summary.
    """

    def __init__(self, folder: Path, jobs: Sequence[Job], *, overwrite: bool = False) -> None:
        self._folder, self._jobs = folder, jobs
        self._json, self._csv = folder / "summary.json", folder / "summary.csv"
        others = [self._json] * (self._json.exists() and self._read() is None)
        others += [self._csv] * (self._csv.exists() and not self._csv.read_bytes().startswith(BEGIN.encode()))
        if others and not overwrite:
            raise VideoError(
                f"not a summary of restored videos, and in its place; move it away, or ask to overwrite it: {others[0]}"
            )

    def begin(self) -> None:
        """Write it with all videos waiting; for one process, before any adds to it.

        Raises:
            RestoreError: it cannot be written.
        """
        self._write([self._row(job, "waiting") for job in self._jobs])

    def add(self, job: Job, status: str, reason: str | None = None) -> None:
        """A video is through.

        Args:
            status: `done`; `skipped`, as it was done before; `broken`, restored up to where it breaks; `failed`.
            reason: why it is one of the last two.

        Raises:
            RestoreError: it cannot be written.
        """
        row = self._row(job, status, reason)
        with self._locked():
            others = {other["input"]: other for other in self._read() or []} | {row["input"]: row}
            rows = [others.get(_name(job)) or self._row(job, "waiting") for job in self._jobs]
            self._write(rows)

    def _row(self, job: Job, status: str, reason: str | None = None) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        output = printable(job.output.relative_to(self._folder).as_posix())
        row |= {"input": _name(job), "output": output, "status": status}
        if status in ("done", "skipped", "broken"):
            row |= _totals([report for report in read_reports(job.output) if report])
        return row | {"reason": reason and " ".join(printable(reason).split())}

    def _read(self) -> list[dict[str, Any]] | None:
        """The rows that are written; None if there are none, or the file is another's."""
        try:
            rows = json.loads(self._json.read_text(encoding="utf-8"))["videos"]
            return rows if all({"input", "output", "status"} <= row.keys() for row in rows) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _write(self, rows: list[dict[str, Any]]) -> None:
        try:
            write_whole(self._json, json.dumps({"videos": rows}, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
            write_whole(self._csv, _table(rows))
        except OSError as error:
            raise RestoreError(
                f"the summary cannot be written ({error.strerror}); the videos are not concerned: {self._json}"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """For one process at a time: the folder itself is locked, until it is closed, however the process ends."""
        try:
            folder = os.open(self._folder, os.O_RDONLY)
        except OSError as error:
            raise RestoreError(
                f"the summary cannot be locked ({error.strerror}); the videos are not concerned: {self._folder}"
            ) from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _name(job: Job) -> str:
    return printable(str(job.video))


def _totals(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of a video, from the reports of its parts: what is counted is added up, a share is one of all pixels."""
    pixels = [report["frames"] * report["width"] * report["height"] for report in reports]

    def share(of: Sequence[float]) -> float:
        return round(sum(one * count for one, count in zip(of, pixels, strict=True)) / max(1, sum(pixels)), 6)

    scores = reports[0]["scores"] or {}  # where there is an original there is one part
    return {
        "frames": sum(report["frames"] for report in reports),
        "seconds": round(sum(report["seconds"] for report in reports), 3),
        "hidden": share([report["hidden"] for report in reports]),
        **{name: share([_seen(report["provenance"]).get(name, 0.0) for report in reports]) for name in CODES},
        **{f"psnr_{when}": scores[when]["psnr"] if scores else None for when in ("before", "after")},
        "warnings": sum(len(report["warnings"]) for report in reports),
    }


def _seen(provenance: dict[str, float]) -> dict[str, float]:
    """Shares by name, what is enlarged counted as seen."""
    return provenance | {"seen": provenance.get("seen", 0.0) + provenance.get("enlarged", 0.0)}


def _table(rows: Sequence[dict[str, Any]]) -> str:
    r"""As CSV (RFC 4180), for spreadsheets: UTF-8 with the mark that tells them so, texts in quotes. A text that would
    be computed as a formula, as a name may be, gets an apostrophe in front (OWASP, CSV injection).

    >>> _table([{"input": "=1+1.mp4", "frames": 3}])
    '\ufeff"input","frames"\r\n"\'=1+1.mp4",3\r\n'
    """
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(rows[0])
    for row in rows:
        cells = (f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in row.values())
        writer.writerow(cells)
    return text.getvalue()
