"""What has become of each video of a folder: `summary.json`, and `summary.csv` for a spreadsheet, one row a video.

.summary.2of4.json     the rows of the second of four processes that share the folder, which alone writes it
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from restore.errors import RestoreError, VideoError, printable
from restore.inference.jobs import Job
from restore.inference.report import read_reports, write_whole
from restore.inference.shard import WHOLE, Shard
from restore.propagation.provenance import ENLARGED, NAMES

CODES = NAMES[:ENLARGED]  # what is enlarged was seen
COLUMNS = "input", "output", "status", "frames", "seconds", "hidden", *CODES, "psnr_before", "psnr_after", "warnings"
BEGIN = "\ufeff" + ",".join(f'"{column}"' for column in COLUMNS[:3])  # of the table, as `_table` writes it
FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"  # what a cell begins with that a spreadsheet computes


class Summary:
    """Both files, each written whole or not at all after each video. Several processes may share a folder, on several
    machines as well, where locks may not reach: each writes the rows of its own videos to a file of its own, and both
    files from those of all.

    Args:
        folder: that holds the results, and that exists.
        jobs: of all processes, in the order of the rows.
        shard: the share of this process.
        overwrite: replace files of these names, whatever they are.

    Raises:
        VideoError: one is in their place that is no summary.
    """

    def __init__(self, folder: Path, jobs: Sequence[Job], *, shard: Shard = WHOLE, overwrite: bool = False) -> None:
        self._folder, self._jobs, self._shard = folder, jobs, shard
        self._json, self._csv = folder / "summary.json", folder / "summary.csv"
        self._own = {_name(job): self._row(job, "waiting") for job in (jobs[at] for at in shard.indices(len(jobs)))}
        others = [self._json] * (self._json.exists() and _read(self._json) is None)
        others += [self._csv] * (self._csv.exists() and not self._csv.read_bytes().startswith(BEGIN.encode()))
        if others and not overwrite:
            raise VideoError(
                f"not a summary of restored videos, and in its place; move it away, or ask to overwrite it: {others[0]}"
            )

    def begin(self) -> None:
        """Write it with all videos of this process waiting.

        Raises:
            RestoreError: it cannot be written.
        """
        if self._shard.of == 1:  # what several processes did before is gone over by this one
            for path in self._folder.glob(".summary.*of*.json"):
                path.unlink(missing_ok=True)
        self._write()

    def add(self, job: Job, status: str, reason: str | None = None, figures: dict[str, Any] | None = None) -> None:
        """A video is through.

        Args:
            status: `done`; `skipped`, as it was done before; `broken`, restored up to where it breaks; `failed`.
            reason: why it is one of the last two.
            figures: of what was restored, from `figures_of`.

        Raises:
            RestoreError: it cannot be written.
        """
        self._own[_name(job)] = self._row(job, status, reason) | (figures or {})
        self._write()

    def _row(self, job: Job, status: str, reason: str | None = None) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        output = printable(job.output.relative_to(self._folder).as_posix())
        row |= {"input": _name(job), "output": output, "status": status}
        return row | {"reason": reason and " ".join(printable(reason).split())}

    def _write(self) -> None:
        try:
            if self._shard.of > 1:
                _write_rows(self._part(self._shard.number), [*self._own.values()])
            # Others may write their rows meanwhile: whoever writes last has then read all, in whatever order they do.
            written = None
            while (rows := self._rows()) != written:
                _write_rows(self._json, rows)
                write_whole(self._csv, _table(rows))
                written = rows
        except OSError as error:
            raise RestoreError(
                f"the summary cannot be written ({error.strerror}); the videos are not concerned: {self._json}"
            ) from error

    def _rows(self) -> list[dict[str, Any]]:
        """Of all processes; those that have not begun have their videos waiting."""
        rows = [self._row(job, "waiting") for job in self._jobs]
        for number in range(1, 1 + self._shard.of):
            own = number == self._shard.number
            known = self._own if own else {row["input"]: row for row in _read(self._part(number)) or []}
            for at in Shard(number, self._shard.of).indices(len(rows)):
                rows[at] = known.get(rows[at]["input"], rows[at])
        return rows

    def _part(self, number: int) -> Path:
        return self._folder / f".summary.{number}of{self._shard.of}.json"


def figures_of(job: Job) -> dict[str, Any]:
    """What the reports of a video's parts state in sum: what is counted is added up, a share is one of all pixels."""
    reports = [report for report in read_reports(job.output) if report]
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


def _read(path: Path) -> list[dict[str, Any]] | None:
    """The rows that are written; None if there are none, or the file is another's."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["videos"]
        return rows if all({"input", "output", "status"} <= row.keys() for row in rows) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    write_whole(path, json.dumps({"videos": rows}, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _name(job: Job) -> str:
    return printable(str(job.video))


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
