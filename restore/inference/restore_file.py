"""Restore one video file into another, streamed: any length, one window of frames in memory.

    reader ──> mask beside it ──> restorer ──> original beside it ──> writer
    thread     same thread        threads      thread                 caller's thread

Decoding and encoding run while the models do. Whatever goes wrong, nothing half-written stands under a final name.
"""

import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from itertools import tee
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from restore.errors import RestoreError
from restore.inference.beside import in_step, open_beside
from restore.inference.report import check_report, write_report
from restore.models.pix2pix import Pix2PixUNet
from restore.occlusion.provenance import NAMES, shares
from restore.pipeline import Restored, Restorer
from restore.scoring.report import Scores
from restore.video.mask import hidden_pixels
from restore.video.prefetch import prefetch
from restore.video.reader import Frame, VideoReader
from restore.video.writer import VideoWriter

AHEAD = 4  # frames decoded, and restored, ahead of their use


def restore_file(
    restorer: Restorer,
    video: str | Path,
    output: str | Path,
    *,
    mask: str | Path | None = None,
    original: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    overwrite: bool = False,
    lpips: bool = False,
    weights: str | Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Restore a video; sound, subtitles, times and tags go along as they are.

    Args:
        video: what to restore.
        output: what to write; its extension chooses the format. The report goes beside it, `STEM.json`.
        mask: a video, white where `video` is hidden; None lets the restorer find what hides it.
        original: the undamaged video, to score against.
        lossless: FFV1 in RGB, into `.mkv`.
        quality: on the encoder's scale, see `VideoWriter`.
        overwrite: replace `output` and its report if they exist.
        lpips: also score LPIPS, which needs a download once.
        weights: the file that the restorer's models come from, for the report.
        progress: called with 1 for each frame that is written.

    Returns:
        The report, ready for JSON:
        `input`, `output` (name), `mask`, `original`, `weights` (paths), `frames`, `width`, `height`, `rate` (1/s);
        `stages`, `device`, `precision`, `seconds`, `frames_per_second`; `hidden` (share of all pixels);
        `provenance`: the shares of all pixels that were `seen`, `copied`, `filled`, `regenerated`;
        `scores`: None, or `before` and `after` (see `Scores.summary`) and `regions`: whether hole and seen were told
        apart by the `given` mask or by the one that was `found`; `warnings`; `broken`: None, or where the video breaks.

    Raises:
        InputError: a file is missing, broken or does not fit the others, or `output` cannot be written: nothing is left
        RestoreError: the video breaks half way; its frames up to there were restored, and are kept with their report.

    >>> restorer = Restorer.from_pretrained()  # doctest: +SKIP
    >>> restore_file(restorer, "old.avi", "new.avi", mask="scratches.mkv")["frames"]  # doctest: +SKIP
    240
    """
    started = perf_counter()
    output = Path(output)
    if not overwrite:
        check_report(output)
    count, hidden, codes = 0, 0.0, np.zeros(len(NAMES), np.int64)
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(video))
        masks = stack.enter_context(open_beside("mask", Path(mask), reader)) if mask else None
        originals = stack.enter_context(open_beside("original", Path(original), reader)) if original else None
        device = str(restorer.device)
        before, after = (Scores(lpips=lpips and originals is not None, device=device) for _ in range(2))
        writer = stack.enter_context(
            VideoWriter(output, info=reader.info, source=video, lossless=lossless, quality=quality, overwrite=overwrite)
        )
        restored = stack.enter_context(closing(prefetch(_restored(restorer, reader, masks), AHEAD)))
        for degraded, result, clean in _beside_original(restored, reader, originals):
            writer.write(result.image, degraded.pts)
            where = result.mask >= 0.5
            count, hidden = count + 1, hidden + float(where.mean())
            codes += np.bincount(result.provenance.ravel(), minlength=len(NAMES))
            if clean is not None:
                before.add(degraded.image, clean, where)
                after.add(result.image, clean, where)
            if progress:
                progress(1)
    seconds = perf_counter() - started

    info = reader.info
    report: dict[str, Any] = {
        "input": str(video),
        "output": output.name,
        "mask": str(mask) if mask else None,
        "original": str(original) if original else None,
        "weights": str(weights) if weights else None,
        "frames": count,
        "width": info.width,
        "height": info.height,
        "rate": round(float(info.rate), 6),
        "stages": _stages(restorer, mask is not None),
        "device": device,
        "precision": str(restorer.dtype).removeprefix("torch."),
        "seconds": round(seconds, 3),
        "frames_per_second": round(count / seconds, 3),
        "hidden": round(hidden / count, 6),
        "provenance": shares(codes),
        "scores": None,
        "warnings": _oddities(reader, writer),
        "broken": reader.broken,
    }
    if originals:
        regions = "given" if mask else "found"
        report["scores"] = {"regions": regions, "before": before.summary(), "after": after.summary()}
    write_report(output, report)
    for line in report["warnings"]:
        warnings.warn(f"{line}: {video}", stacklevel=2)
    if reader.broken:
        raise RestoreError(f"{reader.broken}; the {count} frames before are restored and kept in {output}: {video}")
    return report


def _restored(restorer: Restorer, video: VideoReader, masks: VideoReader | None) -> Iterator[tuple[Frame, Restored]]:
    """Each frame of a video with what becomes of it."""
    waiting: deque[Frame] = deque()  # handed to the restorer and not yet back

    def images(frames: Iterator[Frame]) -> Iterator[np.ndarray]:
        for frame in frames:
            waiting.append(frame)
            yield frame.image

    if masks is None:
        results = restorer.restore_frames(images(prefetch(video, AHEAD)))
    else:
        # Both copies are read in turn by one thread, so one pair is held.
        frames, hidden = tee(prefetch(in_step(video, video, "mask", masks), AHEAD))
        results = restorer.restore_frames(
            images(frame for frame, _ in frames), (hidden_pixels(mask.image) for _, mask in hidden)
        )
    for result in results:
        yield waiting.popleft(), result


def _beside_original(
    restored: Iterator[tuple[Frame, Restored]], video: VideoReader, originals: VideoReader | None
) -> Generator[tuple[Frame, Restored, np.ndarray | None], None, None]:
    """Each frame, what becomes of it, and what it should be, if that is known."""
    if originals is None:
        for degraded, result in restored:
            yield degraded, result, None
        return
    for (degraded, result), clean in in_step(restored, video, "original", originals):
        yield degraded, result, clean.image


def _stages(restorer: Restorer, mask_given: bool) -> list[str]:
    propagates = not isinstance(restorer.generator, Pix2PixUNet)
    return ["find"] * (not mask_given) + ["propagate"] * propagates + ["generate"]


def _oddities(reader: VideoReader, writer: VideoWriter) -> list[str]:
    """What is not quite as it should be about the input, or not in the output."""
    lines = [f"not in the output: {line}" for line in writer.left_out]
    if reader.retimed:
        lines.append(f"{reader.retimed} frames had no usable time and are shown one frame after the one before")
    if reader.concealed:
        lines.append(f"{reader.concealed} frames were damaged, and patched up by the decoder")
    return lines
