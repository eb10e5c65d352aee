"""Restore video after video, alone or in parallel with other processes that `torchrun` started for the same command."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import cv2
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from tqdm import tqdm

from restore.errors import ConfigError, RestoreError, VideoError, printable
from restore.inference.config import InferenceConfig
from restore.inference.files import restore_file
from restore.inference.folder_bar import FolderBar
from restore.inference.jobs import Job
from restore.inference.journal import forget
from restore.inference.refining_bar import refining_bar
from restore.inference.report import read_reports
from restore.inference.summary import Summary
from restore.pipeline import Restorer
from restore.scoring.report import table
from restore.video.clip import count_frames

if TYPE_CHECKING:  # see `restore_file`
    from restore.refinement.hybrid import Hybrid

FOREVER = timedelta(days=365)  # a process may be done long before the others


class Outcome(NamedTuple):
    """What became of a video: `status` and `reason` as in `Summary.add`, its exit `code`, its report's `scores`."""

    status: str
    reason: str | None = None
    code: int = 0
    scores: dict[str, Any] | None = None


def restore_jobs(jobs: Sequence[Job], config: InferenceConfig, *, program: str = "inference.py") -> int:
    """Restore this process's share of the videos. Returns the exit code: the worst of all videos', of all processes.

    A video that fails is reported on stderr in one line, which begins with `program`, and the next one is restored. Of
    a folder those that failed are listed again at the end, and all are in its summary.

    Raises:
        InputError: the weights, the device or the output folder cannot be used. Nothing was written.
    """
    state = PartialState(cpu=not torch.accelerator.is_available(), timeout=FOREVER)
    if config.threads:
        torch.set_num_threads(config.threads)
        cv2.setNumThreads(config.threads)
    device = _usable(config.device or str(state.device))
    restorer = Restorer.from_pretrained(
        config.weights_path,
        generator=config.stages != "copy",
        finder=config.finds,
        scaler=config.scale is not None,
        device=device,
        precision=config.precision,
        engine=config.engine,
    )
    hybrid = None if config.stages in ("generator", "copy") else _hybrid(config, restorer)
    _make(Path(config.output_dir))
    folder = Path(config.degraded_video).is_dir()
    summary = Summary(Path(config.output_dir), jobs, overwrite=config.overwrite) if folder else None
    if summary and state.is_main_process:
        summary.begin()
    state.wait_for_everyone()  # until every process has seen which videos are done

    share = range(state.process_index, len(jobs), state.num_processes)
    rows = folder + (1 if hybrid is None else 2)  # of the terminal, for the progress of each process
    row = rows * state.process_index
    outcomes: list[tuple[int, Outcome]] = []
    codes: list[int] = [0]
    with FolderBar([jobs[at].video for at in share], _share(state), row=row, hidden=not folder) as bar:
        for at in share:
            outcome = _tried(jobs[at], restorer, hybrid, config, row=row + folder, progress=bar.update)
            bar.end()
            outcomes.append((at, outcome))
            codes.append(outcome.code)
            if outcome.reason:
                _say(f"{program}: {outcome.reason}", file=sys.stderr)
            try:
                if summary:
                    summary.add(jobs[at], outcome.status, outcome.reason)
            except RestoreError as error:
                _say(f"{program}: {error}", file=sys.stderr)
                codes.append(error.exit_code)

    # Gathering waits for all: a process that ended with an error before would take the others with it.
    codes, outcomes = gather_object(codes), sorted(gather_object(outcomes), key=itemgetter(0))
    if state.is_main_process:
        scores = sorted((jobs[at].video.stem, outcome.scores) for at, outcome in outcomes if outcome.scores)
        for when in ("before", "after") if scores else ():
            _say(f"\n{when} restoring\n{table({stem: both[when] for stem, both in scores})}")
        if summary:
            _sum_up([outcome for _, outcome in outcomes], program)
    state.destroy_process_group()
    return max(codes)


def _sum_up(outcomes: Sequence[Outcome], program: str) -> None:
    """What of a folder was not restored now: how many were done before, and each that failed with its reason."""
    if skipped := sum(outcome.status == "skipped" for outcome in outcomes):
        _say(f"{skipped} of {len(outcomes)} were done before")
    reasons = [outcome.reason for outcome in outcomes if outcome.reason]
    if reasons:
        lines = [f"{len(reasons)} of {len(outcomes)} failed:", *(f"  {reason}" for reason in reasons)]
        _say("\n".join(f"{program}: {line}" for line in lines), file=sys.stderr)


def _share(state: PartialState) -> str:
    """What the bar of a process is of."""
    several = f"process {state.process_index + 1} of {state.num_processes}"
    return several if state.num_processes > 1 else "folder"


def _tried(job: Job, *arguments: Any, **named: Any) -> Outcome:
    """`_restore`, and what became of it."""
    try:
        report = _restore(job, *arguments, **named)
    except RestoreError as error:
        # Half way, what is before remains; else nothing was written, and what is there was there before.
        half_way = error.exit_code == RestoreError.exit_code and read_reports(job.output)[-1].get("broken")
        return Outcome("broken" if half_way else "failed", str(error), error.exit_code)
    except Exception as error:  # whatever it is, the others go on
        reason = f"restoring failed ({type(error).__name__}: {error}): {job.video}"
        return Outcome("failed", reason, RestoreError.exit_code)
    return Outcome("skipped") if job.done else Outcome("done", scores=report["scores"])


def _restore(
    job: Job,
    restorer: Restorer,
    hybrid: "Hybrid | None",
    config: InferenceConfig,
    *,
    row: int,
    progress: Callable[[int], object] = lambda frames: None,
) -> dict[str, Any]:
    """Restore one video, with progress bars from `row` of the terminal on, unless it was done before => its report.
    `progress` is called as `restore_file` calls it.
    """
    if job.problem:
        raise job.problem
    _make(job.output.parent)
    total = None if job.done else count_frames(job.video)  # an estimate is enough for the time left
    hide = True if job.done else None
    with (
        tqdm(
            total=total, desc=printable(job.video.name), unit=" frames", position=row, leave=False, disable=hide
        ) as bar,
        refining_bar(row + 1) as refining,
    ):

        def forward(frames: int) -> None:
            bar.update(frames)
            progress(frames)

        number: int | None = 0
        while number is not None:
            part = job.of_part(number)
            report = restore_file(
                restorer,
                job.video,
                part.output,
                mask=job.mask,
                mask_mode=config.mask_mode,
                remove=config.removed,
                mask_dilation=config.mask_dilation,
                strength=config.strength,
                light=config.light,
                scale=config.scale,
                square_pixels=config.square_pixels,
                write_mask=part.mask_file,
                write_suspects=part.suspects_file,
                write_provenance=part.provenance_file,
                write_confidence=part.confidence_file,
                write_side_by_side=part.side_by_side_file,
                write_html=part.html_file,
                original=job.original,
                lossless=config.lossless,
                quality=config.quality,
                rate=config.rate,
                part=number,
                interlaced=config.interlaced,
                overwrite=job.overwrite,
                done=job.done,
                lpips=config.lpips,
                hybrid=hybrid,
                hidden_only=config.stages == "fill",
                weights=config.weights_path,
                resume=not config.no_resume,
                progress=forward,
                refining=refining,
            )
            number = report["next_part"]
            if job.done:
                continue
            frames, rate, hidden = report["frames"], report["frames_per_second"], report["hidden"]
            whose, left = report["mask_mode"], len(report["suspects"] or [])
            seen = f", {left} {'things' if left > 1 else 'thing'} left in the picture, see the report" if left else ""
            _say(f"{part.output}: {frames} frames, {rate:.1f} a second; {hidden:.1%} hidden (mask: {whose}){seen}")
    if job.done:
        forget(job.output)  # of a run that was killed at its very end
        _say(f"{job.output}: restored before, left as it is (--overwrite restores it anew)")
    return report


def _say(lines: str, file: TextIO | None = None) -> None:
    """Print in one piece, with its end, above the progress bars: the processes share a terminal, and lines must not run
    into each other.
    """
    with tqdm.external_write_mode(file or sys.stdout):
        print(printable(lines) + "\n", end="", file=file, flush=True)


def _hybrid(config: InferenceConfig, restorer: Restorer) -> "Hybrid":
    """The refiner that is asked for, on the restorer's device and in its type.

    Raises:
        InputError: it is missing, broken, or cannot read a prompt.
    """
    from restore.refinement.hybrid import Hybrid, Refinement
    from restore.refinement.load import load_refiner

    refiner = load_refiner(config.refiner, motion_adapter=config.motion_adapter, dtype=restorer.dtype)
    refiner.check_prompt(config.prompt or config.negative_prompt)
    refiner.to(restorer.device)
    return Hybrid(refiner, Refinement(**{field.name: getattr(config, field.name) for field in fields(Refinement)}))


def _usable(device: str) -> str:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # an unknown name, a GPU that is not there, PyTorch without GPUs
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device is {device!r}, which cannot be used ({reason}); give cpu, cuda or cuda:N") from error
    return device


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise VideoError(f"the output folder cannot be written ({error.strerror}); choose another: {folder}") from error
