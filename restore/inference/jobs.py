"""Which videos a command is to restore, all checked before the first is restored: a mistake is reported at once.

What concerns the whole command (a mask of the wrong size, an output that exists) is raised. A video of a folder that
cannot be read is only noted, so that it does not hold up the others.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from restore.errors import InputError, VideoError
from restore.inference.inputs import enlarged_size
from restore.inference.journal import is_claimed
from restore.inference.paired import open_paired
from restore.inference.report import check_new, check_report, is_result, read_reports
from restore.inference.shard import WHOLE, Shard
from restore.scaling.sizes import Scale
from restore.video.encoders import checked_encoder
from restore.video.files import find_videos, match_by_stem, match_masks, output_path, part_path
from restore.video.info import exact_rate
from restore.video.reader import VideoReader


@dataclass(frozen=True)
class Job:
    """One video to restore into `output`.

    Attributes:
        mask, original: what is given with it; known to be of its size.
        mask_file, provenance_file: where the mask that is used, and where each pixel comes from, are written, if so.
        suspects_file: where the mask of what is suspected is written, if it is.
        confidence_file: where it is written how certain each pixel is, if it is.
        uncertainty_file: where it is written how far apart the refiner's seeds are, if it is.
        side_by_side_file: where all that is given and comes out is written as one video, if it is.
        report_file: where the report is written as a page, if it is.
        overwrite: whether what is written may exist: the user allows it, or it is what remains of a video that was
            broken, or of a run that was killed at its very end.
        done: an earlier run has restored it, as far as its report tells; whether it did the same shows when its turn
            comes (`done_before`).
        problem: why it cannot be restored.
    """

    video: Path
    output: Path
    mask: Path | None
    original: Path | None
    mask_file: Path | None
    suspects_file: Path | None
    provenance_file: Path | None
    confidence_file: Path | None
    uncertainty_file: Path | None
    side_by_side_file: Path | None
    report_file: Path | None
    overwrite: bool
    done: bool = False
    problem: InputError | None = None

    def of_part(self, part: int) -> "Job":
        """The same for a further part of a video whose picture changes its size: each has files of its own."""
        names = [field.name for field in fields(self) if field.name == "output" or field.name.endswith("_file")]
        paths = {name: getattr(self, name) for name in names}
        further: dict[str, Any] = {name: path and part_path(path, part) for name, path in paths.items()}
        return replace(self, **further)

    @property
    def side_files(self) -> list[Path]:
        maps = self.mask_file, self.suspects_file, self.provenance_file, self.confidence_file, self.uncertainty_file
        return [path for path in (*maps, self.side_by_side_file, self.report_file) if path]


def find_jobs(
    degraded_video: str | Path,
    output_dir: str | Path,
    *,
    mask_video: str | Path | None = None,
    original_video: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    container: str | None = None,
    rate: float | None = None,
    scale: Scale | None = None,
    square_pixels: bool = False,
    write_mask: bool = False,
    write_suspects: bool = False,
    provenance: bool = False,
    confidence: bool = False,
    uncertainty: bool = False,
    side_by_side: bool = False,
    report: bool = False,
    overwrite: bool = False,
    shard: Shard = WHOLE,
) -> list[Job]:
    """The jobs of a command, for arguments that are a file each, or a folder each with files matched by stem.

    What an earlier run has restored is `done`. In a folder what it left broken is restored anew, and restored videos
    themselves are not restored again. Only those of the `shard` are checked: others may be restored at this moment.

    Raises:
        InputError: something is missing, does not fit, or stands where a result would be written. Nothing was written.
    """
    videos = find_videos(degraded_video)
    folder = Path(degraded_video).is_dir()
    if folder:
        # What is claimed gets its report at this moment, perhaps; in this order none is missed.
        videos = [video for video in videos if not is_claimed(video) and not is_result(video)]
        if not videos:
            raise VideoError(f"every video in this folder is a restored one; give the degraded ones: {degraded_video}")
    root = Path(degraded_video) if folder else None
    masks: list[Path | None] = [None] * len(videos)
    if mask_video:
        masks = [*match_masks(videos, mask_video, folder=folder, root=root)]
    originals: list[Path | None] = [None] * len(videos)
    if original_video:
        originals = [*match_by_stem(videos, original_video, root)]
    jobs = []
    for video, mask, original in zip(videos, masks, originals, strict=True):
        # The results of a folder lie in subfolders as the videos do: front/ and rear/ may hold equal names.
        place = Path(output_dir) / video.parent.relative_to(root) if root else Path(output_dir)
        sides: dict[str, Any] = {
            f"{name}_file": output_path(video, place, f"_{name}", container=extension) if wanted else None
            for name, extension, wanted in (
                ("mask", "mkv", write_mask),
                ("suspects", "mkv", write_suspects),
                ("provenance", "mkv", provenance),
                ("confidence", "mkv", confidence),
                ("uncertainty", "mkv", uncertainty),
                ("side_by_side", "mp4", side_by_side),
                ("report", "html", report),
            )
        }
        output = output_path(video, place, lossless=lossless, container=container)
        jobs.append(Job(video, output, mask, original, overwrite=overwrite, **sides))
    _check_names(jobs)
    checked = partial(
        _checked,
        folder=folder,
        lossless=lossless,
        quality=quality,
        rate=rate,
        scale=scale,
        square_pixels=square_pixels,
        overwrite=overwrite,
    )
    for at in shard.indices(len(jobs)):
        jobs[at] = checked(jobs[at])
    return jobs


def as_it_is_now(job: Job) -> Job:
    """A job that was checked, and may have been done since, or half of it, by a process that was lost."""
    reports = read_reports(job.output)
    if job.overwrite or not job.output.exists():
        return job
    if all(one and not one.get("broken") for one in reports):
        return replace(job, done=True)
    return replace(job, overwrite=bool(reports[0]) or is_claimed(job.output))


def make_folder(folder: Path) -> None:
    """Make the folder, if there is none, and see that it can be written.

    Raises:
        VideoError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise VideoError(f"the output folder cannot be written ({error.strerror}); choose another: {folder}") from error


def _checked(
    job: Job,
    *,
    folder: bool,
    lossless: bool,
    quality: int | None,
    rate: float | None,
    scale: Scale | None,
    square_pixels: bool,
    overwrite: bool,
) -> Job:
    written: list[str] = []  # sidecars, by an earlier run that broke
    if not job.overwrite and job.output.exists():
        reports = read_reports(job.output)
        report = reports[0]
        written = [name for one in reports for name in one.get("side_files", [])]
        if all(one and not one.get("broken") for one in reports):
            for path in job.side_files:
                if path.name not in written:
                    raise VideoError(
                        f"restored before, without {path.name}; ask to overwrite it, or leave that out: {job.output}"
                    )
            return replace(job, done=True)
        written = written if folder else []
        job = replace(job, overwrite=folder and bool(report))
    if is_claimed(job.output):
        job, overwrite = replace(job, overwrite=True), True
    for path in job.side_files:
        check_new(path, overwrite or path.name in written)
        if path != job.report_file:
            checked_encoder(path, path.suffix == ".mkv", None, True)
    for part in range(2):  # whether there is a second one shows once the first is restored
        checked_encoder(part_path(job.output, part), lossless, quality, job.overwrite)
    if not job.overwrite:
        check_report(job.output)
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(VideoReader(job.video, rate=exact_rate(rate)))
            size = enlarged_size(reader, scale, square_pixels=square_pixels) if scale else None
        except VideoError as error:
            if not folder:
                raise
            return replace(job, problem=error)
        except Exception as error:  # whatever it is, the others go on
            problem = VideoError(f"the video cannot be read ({type(error).__name__}: {error}): {job.video}")
            if not folder:
                raise problem from error
            return replace(job, problem=problem)
        if job.mask:
            stack.enter_context(open_paired("mask", job.mask, reader))
        if job.original:
            stack.enter_context(open_paired("original", job.original, reader, size=size))
    return job


def _check_names(jobs: Sequence[Job]) -> None:
    """Two videos of one stem would write one report, if not one video; and what is read is never written."""
    first: dict[Path, Path] = {}
    for job in jobs:
        other = first.setdefault(job.output.with_suffix(""), job.video)
        if other is not job.video:
            raise VideoError(f"has the stem of {other}, so their results would have one name; rename it: {job.video}")
    inputs = {path.resolve() for job in jobs for path in (job.video, job.mask, job.original) if path}
    for job in jobs:
        for path in (job.output, *job.side_files):
            if path.resolve() in inputs:
                raise VideoError(f"is an input, and a result would be written over it; choose another folder: {path}")
