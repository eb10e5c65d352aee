"""Restore video after video, alone or in parallel with other processes that `torchrun` started for the same command."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from tqdm import tqdm

from restore.errors import ConfigError, RestoreError, printable, unexpected
from restore.inference.config import InferenceConfig
from restore.inference.files import restore_file
from restore.inference.folder_bar import FolderBar
from restore.inference.jobs import Job, make_folder
from restore.inference.journal import forget
from restore.inference.located import in_words
from restore.inference.memory import Memory
from restore.inference.outcomes import Outcome, note, say, sum_up
from restore.inference.refining_bar import refining_bar
from restore.inference.report import read_reports
from restore.inference.summary import Summary, figures_of
from restore.inference.until_it_fits import until_it_fits
from restore.pipeline import Restorer
from restore.video.clip import count_frames

if TYPE_CHECKING:  # see `restore_file`
    from restore.refinement.hybrid import Hybrid

FOREVER = timedelta(days=365)  # a process may be done long before the others


def restore_jobs(jobs: Sequence[Job], config: InferenceConfig, *, program: str = "inference.py") -> int:
    """Restore this process's share of the videos. Returns the exit code: the worst of all videos', of all processes
    that `torchrun` started.

    A video that fails is reported on stderr in one line, which begins with `program`, and the next one is restored. Of
    a folder those that failed are listed again at the end, and all are in its summary.

    Raises:
        InputError: the weights, the device or the output folder cannot be used. Nothing was written.
    """
    restorer, hybrid = load(config)
    make_folder(Path(config.output_dir))
    state = PartialState()
    folder = Path(config.degraded_video).is_dir()
    shard = config.share
    summary = Summary(Path(config.output_dir), jobs, shard=shard, overwrite=config.overwrite) if folder else None
    if summary:
        summary.begin()
    state.wait_for_everyone()  # until every process has seen which videos are done

    share = shard.indices(len(jobs))
    name = "folder" if shard.of == 1 else f"shard {shard}"
    rows = folder + (1 if hybrid is None else 2)  # of the terminal, for the progress of each process
    row = rows * state.process_index
    outcomes: list[tuple[int, Outcome]] = []
    codes: list[int] = [0]
    with FolderBar([jobs[at].video for at in share], name, row=row, hidden=not folder) as bar:
        for at in share:
            outcome = tried(jobs[at], restorer, hybrid, config, row=row + folder, progress=bar.update)
            bar.end()
            outcomes.append((at, outcome))
            codes.append(note(outcome, jobs[at], summary, program))

    # Gathering waits for all: a process that ended with an error before would take the others with it.
    codes, outcomes = gather_object(codes), gather_object(outcomes)
    if state.is_main_process:
        sum_up(dict(outcomes), jobs, folder=folder, program=program)
    state.destroy_process_group()
    return max(codes)


def load(config: InferenceConfig) -> "tuple[Restorer, Hybrid | None]":
    """The models that are asked for, on the device and with the threads that are.

    Raises:
        InputError: the weights, the refiner or the device cannot be used.
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
    return restorer, load_hybrid(config, restorer) if config.refines else None


def tried(job: Job, *arguments: Any, **named: Any) -> Outcome:
    """`_restore`, and what became of it."""
    try:
        report = _restore(job, *arguments, **named)
    except RestoreError as error:
        # Half way, what is before remains; else nothing was written, and what is there was there before.
        if error.exit_code == RestoreError.exit_code and read_reports(job.output)[-1].get("broken"):
            return Outcome("broken", str(error), error.exit_code, figures=figures_of(job))
        return Outcome("failed", str(error), error.exit_code)
    except Exception as error:  # whatever it is, the others go on
        reason = f"{unexpected(error)}: {job.video}"
        return Outcome("failed", reason, RestoreError.exit_code)
    status, scores = ("skipped", None) if job.done else ("done", report["scores"])
    return Outcome(status, scores=scores, figures=figures_of(job))


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
    make_folder(job.output.parent)
    # An estimate is enough for the time left; how long a range alone takes depends on what is before it.
    total = None if job.done or config.only_range else count_frames(job.video)
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
            memory = Memory(config.most_memory)
            attempt = partial(
                restore_file,
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
                write_uncertainty=part.uncertainty_file,
                write_side_by_side=part.side_by_side_file,
                write_html=part.report_file,
                original=job.original,
                lossless=config.lossless,
                quality=config.quality,
                rate=config.rate,
                range=config.range,
                only_range=config.only_range,
                part=number,
                interlaced=config.interlaced,
                overwrite=job.overwrite,
                done=job.done,
                lpips=config.lpips,
                hybrid=hybrid,
                hidden_only=config.stages == "fill",
                weights=config.weights_path,
                resume=not config.no_resume,
                memory=memory,
                progress=forward,
                refining=refining,
            )
            report = until_it_fits(attempt, memory)
            number = report["next_part"]
            if job.done:
                continue
            frames, rate, hidden = report["frames"], report["frames_per_second"], report["hidden"]
            whose, left = report["mask_mode"], len(report["suspects"] or [])
            seen = f", {left} {'things' if left > 1 else 'thing'} left in the picture, see the report" if left else ""
            count = f"{frames} frames" + (f" ({in_words(report['range'])})" if report["range"] else "")
            say(f"{part.output}: {count}, {rate:.1f} a second; {hidden:.1%} hidden (mask: {whose}){seen}")
    if job.done:
        forget(job.output)  # of a run that was killed at its very end
        say(f"{job.output}: restored before, left as it is (--overwrite restores it anew)")
    return report


def load_hybrid(config: InferenceConfig, restorer: Restorer) -> "Hybrid":
    """The refiner that is asked for, on the restorer's device and in its type.

    Raises:
        InputError: it is missing, broken, or cannot read a prompt.
    """
    from restore.refinement.hybrid import Hybrid, Refinement
    from restore.refinement.load import load_refiner

    refiner = load_refiner(config.refiner, motion_adapter=config.motion_adapter, dtype=restorer.dtype)
    refiner.check_prompt(config.prompt or config.negative_prompt)
    refiner.to(restorer.device)
    settings = Refinement(**{field.name: getattr(config, field.name) for field in fields(Refinement)})
    return Hybrid(refiner, settings, config.refiner, config.motion_adapter)


def _usable(device: str) -> str:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # an unknown name, a GPU that is not there, PyTorch without GPUs
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device is {device!r}, which cannot be used ({reason}); give cpu, cuda or cuda:N") from error
    return device
