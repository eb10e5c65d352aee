"""Restore one video file into another, streamed: any length, one window of frames in memory.

    reader ──> mask beside it ──> restorer ──> original beside it ──> writer
    thread     same thread        threads      thread                 caller's thread

Decoding and encoding run while the models do. Whatever goes wrong, nothing half-written stands under a final name.
"""

import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from restore.detection.detect import Found
from restore.detection.tracks import Tracker
from restore.errors import RestoreError, VideoError
from restore.inference.masks import AHEAD, MaskMode, restored_frames
from restore.inference.paired import Beside, in_step, open_beside, refuse_lengths
from restore.inference.report import check_report, write_report
from restore.inference.side_by_side import side_by_side, side_by_side_info
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restored, Restorer
from restore.propagation.engine import DOUBT
from restore.propagation.provenance import NAMES, SEEN, shares
from restore.scoring.report import Scores
from restore.video.fields import field_order, refuse_unheld, split, woven
from restore.video.info import exact_rate
from restore.video.mask import MaskCheck
from restore.video.prefetch import prefetch
from restore.video.reader import Frame, VideoReader
from restore.video.writer import VideoWriter

if TYPE_CHECKING:  # importing diffusers takes seconds, and not every restoration refines
    from restore.refinement.hybrid import Hybrid

T = TypeVar("T")


def restore_file(
    restorer: Restorer,
    video: str | Path,
    output: str | Path,
    *,
    mask: str | Path | None = None,
    mask_mode: MaskMode | None = None,
    mask_dilation: int = 0,
    write_mask: str | Path | None = None,
    write_provenance: str | Path | None = None,
    write_confidence: str | Path | None = None,
    write_side_by_side: str | Path | None = None,
    original: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    rate: float | None = None,
    interlaced: Literal["auto", "keep", "deinterlace", "off"] = "auto",
    overwrite: bool = False,
    lpips: bool = False,
    hybrid: "Hybrid | None" = None,
    keep_seen: bool = False,
    weights: str | Path | None = None,
    progress: Callable[[int], object] | None = None,
    refining: Callable[[int, int, int], None] | None = None,
) -> dict[str, Any]:
    """Restore a video; sound, subtitles, times and tags go along as they are.

    Args:
        video: what to restore.
        output: what to write; its extension chooses the format. The report goes beside it, `STEM.json`.
        mask: white where `video` is hidden: a video, an image that serves all frames, or a folder with an image for
            each.
        mask_mode: whose mask is used: the `given`, the one that is `found`, `both`, or `none`, so that nothing is
            hidden; by default the given if there is one, else the found.
        mask_dilation: pixels that the mask is grown by.
        write_mask: `.mkv` for the mask that was used: lossless, grey, 255 where the picture is hidden, 0 elsewhere.
            Given as `mask` it restores the same; for that, the finder's doubts are decided before they are used.
        write_provenance: `.mkv` for where each pixel comes from: lossless, its grey levels are the codes of
            `occlusion/provenance.py`.
        write_confidence: `.mkv` for how certain each pixel is: lossless, grey, 255 in view, 0 seen in no frame
            (`occlusion/confidence.py`).
        write_side_by_side: a video of the original, where there is one, the degraded and the restored frames, and the
            restored ones coloured by where each pixel comes from.
        original: the undamaged video, to score against.
        lossless: FFV1 in RGB, into `.mkv`.
        quality: on the encoder's scale, see `VideoWriter`.
        rate: frames a second of a raw stream, which may state none.
        interlaced: `auto` and `keep` restore the fields of interlaced video as a sequence of their own and weave them
            back; `deinterlace` makes each field a progressive frame, `off` takes frames as progressive.
        overwrite: replace `output`, its report, and what else is written, if they exist.
        lpips: also score LPIPS, which needs a download once.
        hybrid: regenerates what no frame saw, where that is much; None leaves it as the generator fills it.
        keep_seen: keep each pixel that is seen as it is in `video`; only what is hidden is restored.
        weights: the file that the restorer's models come from, for the report.
        progress: called with 1 for each frame that is written.
        refining: told `(stretch, model calls made, model calls in all)` of each stretch that is refined.

    Returns:
        The report, ready for JSON:
        `input`, `output`, `side_files` (names), `mask`, `original`, `weights` (paths), `frames`, `width`, `height`,
        `rate` (1/s);
        `stages`, `device`, `precision`, `seconds`, `frames_per_second`; `mask_mode`, `mask_dilation`;
        `hidden` (share of all pixels); `interlaced`: None, or the order of the fields;
        `obstructions`: what was found to hide the scene, the longest first: `kind`, `score`, `frames` (first and last),
        `box` (left, top, right, bottom, of all its frames), `largest` (share of a frame); None if the finder cannot
        tell kinds, or none was asked;
        `regenerated`: None without a refiner, or its settings and the `regions`: first and last frame, and the crop;
        `provenance`: the shares of all pixels that were `seen`, `copied`, `filled`, `regenerated`;
        `scores`: None, or `before` and `after` (see `Scores.summary`) and `regions`: by whose mask hole and seen were
        told apart, as `mask_mode`; `warnings`; `broken`: None, or where the video breaks.

    Raises:
        InputError: a file is missing, broken or does not fit the others, or `output` cannot be written: nothing is left
        RestoreError: the video breaks half way; its frames up to there were restored, and are kept with their report.

    >>> restorer = Restorer.from_pretrained()  # doctest: +SKIP
    >>> restore_file(restorer, "old.avi", "new.avi", mask="scratches.mkv")["frames"]  # doctest: +SKIP
    240
    """
    started = perf_counter()
    output = Path(output)
    mode = mask_mode or ("given" if mask else "found")
    if mode in ("given", "both") and mask is None:
        raise ValueError(f"mask_mode is {mode!r}, and there is no mask; give one")
    used = mask if mode in ("given", "both") else None
    if not overwrite:
        check_report(output)
    check, tracker = MaskCheck(), Tracker()
    tells_kinds = mode in ("found", "both") and restorer.segmenter is not None

    def note(found: Found) -> None:
        if found.kinds is not None:
            tracker.add(found.probability, found.kinds)

    regions: list[dict[str, Any]] = []
    refine = partial(hybrid.refine_frames, regions=regions, progress=refining) if hybrid else None
    crashes: list[str] = []
    count, hidden, codes = 0, 0.0, np.zeros(len(NAMES), np.int64)
    with ExitStack() as stack:
        order = field_order(Path(video)) if interlaced != "off" else None
        kept = None if interlaced == "deinterlace" else order
        top_first = order.top_first if order and not kept else None
        if top_first is not None and (used or original):
            raise VideoError(
                "deinterlaced video has twice as many frames, a mask or an original one for each of the input's; "
                f"ask for --interlaced keep: {video}"
            )
        reader = stack.enter_context(VideoReader(video, rate=exact_rate(rate), top_first=top_first))
        if kept:
            refuse_unheld(kept, output.suffix, output)
        info = replace(reader.info, interlaced=bool(kept and kept.flagged))
        masks = stack.enter_context(open_beside("mask", Path(used), reader)) if used else None
        originals = stack.enter_context(open_beside("original", Path(original), reader)) if original else None
        whole, reader = reader, split(reader, kept)
        masks, originals = masks and split(masks, kept), originals and split(originals, kept)
        device = str(restorer.device)
        before, after = (Scores(lpips=lpips and originals is not None, device=device) for _ in range(2))
        # What is entered last ends first: the video is kept whatever becomes of the files beside it.
        mask_writer, codes_writer, confidence_writer = (
            woven(stack.enter_context(VideoWriter(path, info=info, grey=True, overwrite=overwrite)), kept)
            if path
            else None
            for path in (write_mask, write_provenance, write_confidence)
        )
        rows_writer = None
        if write_side_by_side:
            wide = side_by_side_info(reader.info, with_original=originals is not None)
            rows_writer = stack.enter_context(VideoWriter(write_side_by_side, info=wide, overwrite=overwrite))
        writer = stack.enter_context(
            VideoWriter(output, info=info, source=video, lossless=lossless, quality=quality, overwrite=overwrite)
        )
        writer = woven(writer, kept)
        if used:
            check = MaskCheck.of(Path(used))
            refuse_lengths("mask", Path(used), check.frames, whole)
        early = [f"not in the output: {line}" for line in writer.left_out]
        early += writer.notes + (order.notes() if order else []) + check.warnings() + (order.notes() if order else [])
        if early:
            warnings.warn(f"{'; '.join(early)}: {video}", stacklevel=2)
        certain = mask_writer is not None
        frames = restored_frames(
            restorer,
            reader,
            masks,
            check,
            mode=mode,
            dilation=mask_dilation,
            certain=certain,
            note=note,
            refine=refine,
        )
        restored = stack.enter_context(closing(prefetch(frames, AHEAD)))
        for degraded, result, clean in _until_crash(_beside_original(restored, reader, originals), crashes):
            if keep_seen:
                seen = (result.provenance == SEEN)[..., None]
                result = replace(result, image=np.where(seen, degraded.image, result.image))
            writer.write(result.image, degraded.pts, degraded.carried)
            if mask_writer:
                mask_writer.write(np.where(result.mask > DOUBT, np.uint8(255), np.uint8(0)), degraded.pts)
            if codes_writer:
                codes_writer.write(result.provenance, degraded.pts)
            if confidence_writer:
                confidence_writer.write(result.confidence, degraded.pts)
            if rows_writer:
                rows_writer.write(side_by_side(degraded.image, result, clean), degraded.pts)
            where = result.mask >= 0.5
            count, hidden = count + 1, hidden + float(where.mean())
            codes += np.bincount(result.provenance.ravel(), minlength=len(NAMES))
            if clean is not None:
                before.add(degraded.image, clean, where)
                after.add(result.image, clean, where)
            if progress:
                progress(1)
    seconds = perf_counter() - started
    shown, count = count, count // 2 if kept else count

    tracks, left_out = tracker.finish()
    listed = [f"{left_out} small or short obstructions are not in the report's list"] if left_out else []
    side_files = write_mask, write_provenance, write_confidence, write_side_by_side
    report: dict[str, Any] = {
        "input": str(video),
        "output": output.name,
        "side_files": [Path(path).name for path in side_files if path],
        "mask": str(used) if used else None,
        "original": str(original) if original else None,
        "weights": str(weights) if weights else None,
        "frames": count,
        "width": info.width,
        "height": info.height,
        "rate": round(float(info.rate), 6),
        "stages": _stages(restorer, mode) + ["refine"] * (hybrid is not None) + ["keep seen"] * keep_seen,
        "device": device,
        "precision": str(restorer.dtype).removeprefix("torch."),
        "seconds": round(seconds, 3),
        "frames_per_second": round(count / seconds, 3),
        "mask_mode": mode,
        "mask_dilation": mask_dilation,
        "hidden": round(hidden / shown, 6),
        "obstructions": [track.as_json() for track in tracks] if tells_kinds else None,
        "regenerated": asdict(hybrid.settings) | {"regions": regions} if hybrid else None,
        "provenance": shares(codes),
        "interlaced": str(order) if order else None,
        "scores": None,
        "warnings": _oddities(reader, writer) + writer.notes + check.warnings() + listed,
        "broken": reader.broken or next(iter(crashes), None),
    }
    if originals:
        report["scores"] = {"regions": mode, "before": before.summary(), "after": after.summary()}
    write_report(output, report)
    for line in report["warnings"]:
        if line in early:
            continue
        warnings.warn(f"{line}: {video}", stacklevel=2)
    if report["broken"]:
        raise RestoreError(f"{report['broken']}; the {count} frames before are restored and kept in {output}: {video}")
    return report


def _until_crash(frames: Iterator[T], crashes: list[str]) -> Iterator[T]:
    """The frames up to an exception that no one expects, which is noted: what was restored before it is kept."""
    some = False
    try:
        for frame in frames:
            yield frame
            some = True
    except RestoreError:
        raise
    except Exception as error:
        if not some:
            raise
        crashes.append(f"restoring stopped ({type(error).__name__}: {error})")


def _beside_original(
    restored: Iterator[tuple[Frame, Restored]], video: VideoReader, originals: Beside | None
) -> Generator[tuple[Frame, Restored, np.ndarray | None], None, None]:
    """Each frame, what becomes of it, and what it should be, if that is known."""
    if originals is None:
        for degraded, result in restored:
            yield degraded, result, None
        return
    for (degraded, result), clean in in_step(restored, video, "original", originals):
        yield degraded, result, clean.image


def _stages(restorer: Restorer, mode: MaskMode) -> list[str]:
    propagates = not isinstance(restorer.generator, Pix2PixUNet)
    return ["find"] * (mode in ("found", "both")) + ["propagate"] * propagates + ["generate"]


def _oddities(reader: VideoReader, writer: VideoWriter) -> list[str]:
    """What is not quite as it should be about the input, or not in the output."""
    lines = [f"not in the output: {line}" for line in writer.left_out]
    if reader.seams:
        places = ", ".join(f"{float(seam):.2f} s" for seam in reader.seams)
        lines.append(f"joined recordings: the times start anew in the input, and go on in the output, at {places}")
    if reader.retimed:
        lines.append(f"{reader.retimed} frames had no usable time and are shown one frame after the one before")
    if reader.concealed:
        lines.append(f"{reader.concealed} frames were damaged, and patched up by the decoder")
    return lines
