"""Which videos a command is to restore, checked before the first of them is: a mistake is told at once, or not at all.

What concerns the whole command (a mask of the wrong size, an output that exists) is raised. A video of a folder that
cannot be read is only noted, so that it does not hold up the others.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from restore.errors import InputError, VideoError
from restore.inference.beside import open_beside
from restore.inference.report import check_report, read_report
from restore.video.files import VIDEO_EXTENSIONS, extensions, find_videos, match_by_stem, output_path
from restore.video.reader import VideoReader
from restore.video.writer import checked_encoder


@dataclass(frozen=True)
class Job:
    """One video to restore into `output`.

    Attributes:
        mask, original: what is given beside it; known to be of its size.
        overwrite: whether `output` may exist: the user allows it, or it is the kept part of a video that was broken.
        done: an earlier run has restored it.
        problem: why it cannot be restored.
    """

    video: Path
    output: Path
    mask: Path | None
    original: Path | None
    overwrite: bool
    done: bool = False
    problem: InputError | None = None


def find_jobs(
    degraded_video: str | Path,
    output_dir: str | Path,
    *,
    mask_video: str | Path | None = None,
    original_video: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    overwrite: bool = False,
) -> list[Job]:
    """The jobs of a command, for arguments that are a file each, or a folder each with files matched by stem.

    In a folder, what an earlier run has restored is `done`, and restored videos themselves are not restored again.

    Raises:
        InputError: something is missing, does not fit, or stands where a result would be written. Nothing was written.
    """
    videos = find_videos(degraded_video)
    folder = Path(degraded_video).is_dir()
    if folder:
        videos = [video for video in videos if not (video.stem.endswith("_restored") and read_report(video))]
        if not videos:
            raise VideoError(f"every video in this folder is a restored one; give the degraded ones: {degraded_video}")
    masks, originals = (
        match_by_stem(videos, others) if others else [None] * len(videos) for others in (mask_video, original_video)
    )
    outputs = [output_path(video, output_dir, lossless=lossless) for video in videos]
    _check_names(videos, outputs)
    jobs = [Job(*paths, overwrite=overwrite) for paths in zip(videos, outputs, masks, originals, strict=True)]
    return [_checked(job, folder=folder, lossless=lossless, quality=quality) for job in jobs]


def _checked(job: Job, *, folder: bool, lossless: bool, quality: int | None) -> Job:
    if folder and not job.overwrite and job.output.exists():
        report = read_report(job.output)
        if report and not report.get("broken"):
            return replace(job, done=True)
        job = replace(job, overwrite=report is not None)
    if job.video.suffix.lower() not in VIDEO_EXTENSIONS and not lossless:
        raise VideoError(
            f"got the extension {job.video.suffix!r}, expected one of {extensions()}; "
            f"convert it, or ask for lossless output, which is .mkv: {job.video}"
        )
    checked_encoder(job.output, lossless, quality, job.overwrite)
    if not job.overwrite:
        check_report(job.output)
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(VideoReader(job.video))
        except VideoError as error:
            if not folder:
                raise
            return replace(job, problem=error)
        if job.mask:
            stack.enter_context(open_beside("mask", job.mask, reader))
        if job.original:
            stack.enter_context(open_beside("original", job.original, reader))
    return job


def _check_names(videos: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Two videos of one stem would write one report, if not one video."""
    first: dict[str, Path] = {}
    for video, output in zip(videos, outputs, strict=True):
        other = first.setdefault(output.stem, video)
        if other is not video:
            raise VideoError(f"has the stem of {other}, so their results would have one name; rename it: {video}")
