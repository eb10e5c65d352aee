"""What became of a command's videos, for people: a line for each, and at the end what of a folder is not restored."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from tqdm import tqdm

from restore.errors import RestoreError, printable
from restore.inference.jobs import Job
from restore.inference.summary import Summary
from restore.scoring.report import table


class Outcome(NamedTuple):
    """What became of a video.

    Attributes:
        status, reason, figures: as in `Summary.add`.
        code: its exit code.
        scores: of its report.
    """

    status: str
    reason: str | None = None
    code: int = 0
    scores: dict[str, Any] | None = None
    figures: dict[str, Any] | None = None


def note(outcome: Outcome, job: Job, summary: Summary | None, program: str) -> int:
    """Say why a video is not restored, if it is not, and note it in the summary => the exit code of both."""
    if outcome.reason:
        say(f"{program}: {outcome.reason}", file=sys.stderr)
    try:
        if summary:
            summary.add(job, outcome.status, outcome.reason, outcome.figures)
    except RestoreError as error:
        say(f"{program}: {error}", file=sys.stderr)
        return max(outcome.code, error.exit_code)
    return outcome.code


def sum_up(outcomes: Mapping[int, Outcome], jobs: Sequence[Job], *, folder: bool, program: str) -> None:
    """The scores of all videos; of a folder how many were done before, and each that failed with its reason.

    Args:
        outcomes: by the number of the job.
    """
    scores = sorted((jobs[at].video.stem, outcome.scores) for at, outcome in outcomes.items() if outcome.scores)
    for when in ("before", "after") if scores else ():
        say(f"\n{when} restoring\n{table({stem: both[when] for stem, both in scores})}")
    if not folder:
        return
    in_order = [outcomes[at] for at in sorted(outcomes)]
    if skipped := sum(outcome.status == "skipped" for outcome in in_order):
        say(f"{skipped} of {len(in_order)} were done before")
    reasons = [outcome.reason for outcome in in_order if outcome.reason]
    if reasons:
        lines = [f"{len(reasons)} of {len(in_order)} failed:", *(f"  {reason}" for reason in reasons)]
        say("\n".join(f"{program}: {line}" for line in lines), file=sys.stderr)


def say(lines: str, file: TextIO | None = None) -> None:
    """Print in one piece, with its end, above the progress bars: the processes share a terminal, and lines must not run
    into each other.
    """
    with tqdm.external_write_mode(file or sys.stdout):
        print(printable(lines) + "\n", end="", file=file, flush=True)
