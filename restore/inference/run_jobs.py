"""Restore video after video, alone or in parallel with other processes that `torchrun` started for the same command."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import cv2
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from tqdm import tqdm

from restore.errors import ConfigError, RestoreError, VideoError, printable
from restore.inference.config import InferenceConfig
from restore.inference.files import restore_file
from restore.inference.jobs import Job
from restore.inference.journal import forget
from restore.inference.refining_bar import refining_bar
from restore.pipeline import Restorer
from restore.scoring.report import table
from restore.video.clip import count_frames

if TYPE_CHECKING:  # see `restore_file`
    from restore.refinement.hybrid import Hybrid

FOREVER = timedelta(days=365)  # a process may be done long before the others


def restore_jobs(jobs: Sequence[Job], config: InferenceConfig, *, program: str = "inference.py") -> int:
    """Restore this process's share of the videos. Returns the exit code: the worst of all videos', of all processes.

    A video that fails is reported on stderr in one line, which begins with `program`, and the next one is restored.

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
        device=device,
        precision=config.precision,
        engine=config.engine,
    )
    hybrid = None if config.stages in ("generator", "copy") else _hybrid(config, restorer)
    _make(Path(config.output_dir))
    state.wait_for_everyone()  # until every process has seen which videos are done

    rows = 1 if hybrid is None else 2  # of the terminal, for the progress of each process
    codes: list[int] = [0]
    scores: list[tuple[str, dict[str, Any]]] = []
    for job in jobs[state.process_index :: state.num_processes]:
        try:
            report = _restore(job, restorer, hybrid, config, row=rows * state.process_index)
        except RestoreError as error:
            _say(f"{program}: {error}", file=sys.stderr)
            codes.append(error.exit_code)
            continue
        except Exception as error:  # whatever it is, the others go on
            _say(f"{program}: restoring failed ({type(error).__name__}: {error}): {job.video}", file=sys.stderr)
            codes.append(RestoreError.exit_code)
            continue
        if report and report["scores"]:
            scores.append((job.video.stem, report["scores"]))

    # Gathering waits for all: a process that ended with an error before would take the others with it.
    codes, scores = gather_object(codes), sorted(gather_object(scores))
    if scores and state.is_main_process:
        for when in ("before", "after"):
            _say(f"\n{when} restoring\n{table({stem: both[when] for stem, both in scores})}")
    state.destroy_process_group()
    return max(codes)


def _restore(
    job: Job, restorer: Restorer, hybrid: "Hybrid | None", config: InferenceConfig, *, row: int
) -> dict[str, Any] | None:
    """Restore one video, with progress bars from `row` of the terminal on => its report; None if it was done before."""
    if job.problem:
        raise job.problem
    if job.done:
        forget(job.output)  # of a run that was killed at its very end
        _say(f"{job.output}: restored before, left as it is (--overwrite restores it anew)")
        return None
    _make(job.output.parent)
    total = count_frames(job.video)  # an estimate is enough for the time left
    with (
        tqdm(
            total=total, desc=printable(job.video.name), unit=" frames", position=row, leave=False, disable=None
        ) as bar,
        refining_bar(row + 1) as refining,
    ):
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
                lpips=config.lpips,
                hybrid=hybrid,
                hidden_only=config.stages == "fill",
                weights=config.weights_path,
                resume=not config.no_resume,
                progress=bar.update,
                refining=refining,
            )
            number = report["next_part"]
            frames, rate, hidden = report["frames"], report["frames_per_second"], report["hidden"]
            whose, left = report["mask_mode"], len(report["suspects"] or [])
            seen = f", {left} {'things' if left > 1 else 'thing'} left in the picture, see the report" if left else ""
            _say(f"{part.output}: {frames} frames, {rate:.1f} a second; {hidden:.1%} hidden (mask: {whose}){seen}")
    return report


def _say(lines: str, file: TextIO | None = None) -> None:
    """Print in one piece, with its end: the processes share a terminal, and lines must not run into each other."""
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
