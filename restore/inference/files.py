"""Restore one video file into another, streamed: any length, one window of frames in memory.

    reader ──> its mask ──> restorer ──> its original ──> writer, sidecars
    thread     thread       threads      thread           caller's thread

Decoding and encoding run while the models do. Whatever goes wrong, nothing half-written stands under a final name.
"""

import logging
import warnings
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from restore.errors import RestoreError, VideoError
from restore.inference.config import FINDING
from restore.inference.found import Found
from restore.inference.html_report import HtmlReport
from restore.inference.lights import Lights
from restore.inference.masks import AHEAD, MaskMode, masked_frames
from restore.inference.paired import Paired, in_step, open_paired, refuse_lengths
from restore.inference.report import check_report, digests, oddities, write_report
from restore.inference.sidecars import Sidecars
from restore.inference.verify import weights_files
from restore.inference.versions import versions
from restore.kinds import KINDS, REMOVED
from restore.light.setting import Setting, light_setting
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.provenance import NAMES, SEEN, shares
from restore.restored import Restored
from restore.scoring.report import Scores
from restore.shipped import relative_to_root
from restore.video.fields import field_order, refuse_unheld, split, woven
from restore.video.info import exact_rate
from restore.video.mask import MaskCheck
from restore.video.prefetch import prefetch
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

if TYPE_CHECKING:  # importing diffusers takes seconds, and not every restoration refines
    from restore.refinement.hybrid import Hybrid

T = TypeVar("T")

log = logging.getLogger(__name__)


def restore_file(
    restorer: Restorer,
    video: str | Path,
    output: str | Path,
    *,
    mask: str | Path | None = None,
    mask_mode: MaskMode | None = None,
    remove: Collection[str] = REMOVED,
    mask_dilation: int = 0,
    strength: float = 1.0,
    light: str | float = "off",
    write_mask: str | Path | None = None,
    write_suspects: str | Path | None = None,
    write_provenance: str | Path | None = None,
    write_confidence: str | Path | None = None,
    write_side_by_side: str | Path | None = None,
    write_html: str | Path | None = None,
    original: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    rate: float | None = None,
    part: int = 0,
    interlaced: Literal["auto", "keep", "deinterlace", "off"] = "auto",
    overwrite: bool = False,
    lpips: bool = False,
    hybrid: "Hybrid | None" = None,
    hidden_only: bool = False,
    weights: str | Path | None = None,
    progress: Callable[[int], object] | None = None,
    refining: Callable[[int, int, int], None] | None = None,
) -> dict[str, Any]:
    """Restore a video; sound, subtitles, times and tags go along as they are.

    Args:
        video: what to restore.
        output: what to write; its extension chooses the format. The report, `STEM.json`, goes to the same folder.
        mask: white where `video` is hidden: a video, an image that serves all frames, or a folder with an image for
            each.
        mask_mode: whose mask is used: the `given`; the one that is `found`, of what is proven to hide the scene; `all`
            that is found, proven or not; `both` the given and the found; `none`, so that nothing is hidden. By default
            the given if there is one, else the found.
        remove: the kinds that may be removed where they are found.
        mask_dilation: pixels that the mask is dilated by.
        strength: how much of what the generator changes in visible pixels is done, in [0, 1]: at 0 they stay as they
            are, bit for bit. Hidden pixels are the same at any strength.
        light: `off`; `auto`, which measures how much light each scene lacks; or a gain in linear light, more than 0. It
            is given once the mask is known, which is the same in any light, and before all else: `strength` 0 and
            `hidden_only` leave visible pixels lighter, and nothing more; `mask_mode` `none` hides nothing of the
            lighter picture; the scores `before` and the side-by-side's first picture are of the video as it is.
            Provenance calls such pixels seen.
        write_mask: `.mkv` for the mask that was used: lossless, grey, 255 where the picture is hidden, 0 elsewhere.
            Given as `mask` it restores the same, bit for bit.
        write_suspects: `.mkv` for what was found without proof, in the form of a mask.
        write_provenance: likewise for where each pixel comes from: the codes of `propagation/provenance.py`.
        write_confidence: likewise for how certain each is: 255 visible, 0 never seen (`propagation/confidence.py`).
        write_side_by_side: a video of the original, where there is one, the degraded and the restored frames, and the
            restored ones coloured by where each pixel comes from.
        write_html: `.html` for the report as a page with pictures and charts (`html_report.py`).
        original: the undamaged video, to score against.
        lossless: FFV1 in RGB, into `.mkv`.
        quality: on the encoder's scale, see `VideoWriter`.
        rate: frames a second of a raw stream, which may state none.
        part: which part of a video whose picture changes its size, counted from 0; with the sound of its time.
        interlaced: `auto` and `keep` restore the fields of interlaced video as a sequence of their own and weave them
            back; `deinterlace` makes each field a progressive frame, `off` takes frames as progressive.
        overwrite: replace `output`, its report, and what else is written, if they exist.
        lpips: also score LPIPS.
        hybrid: regenerates what no frame saw, where that is much; None leaves it as the generator fills it.
        hidden_only: restore hidden pixels only; each visible one stays as it is in `video`, bit for bit.
        weights: the file that the restorer's models come from, for the report.
        progress: called with 1 for each frame that is written.
        refining: called with `(stretch, model calls made, model calls in all)` for each stretch that is refined.

    Returns:
        The report, ready for JSON:
        `input`, `mask`, `original` (paths as given), `weights` (likewise; relative to the package inside it), `output`,
        `side_files` (names); `sha256` of `input`, `mask`, `original`, `output`, `weights` and `segmenter`, None for
        what is not given, and of the `side_files` by their names; `versions` of all that computes; `seal`, see
        `report.seal`;
        `frames`, `width`, `height`, `rate` (1/s); `stages`, `device`, `precision`, `engine`, `seconds`,
        `frames_per_second`; `mask_mode`, `remove`, `mask_dilation`, `strength`, and other
        `settings`;
        `light`: None, or the `setting`, the share of the frames that are `changed`, and the `scenes` in which some are,
        each with its `frames` (first and last), `gain` (least and greatest) and `balance` (of R, G and B, means);
        `hidden` (share of all pixels); `interlaced`: None, or the order of the fields;
        `obstructions`: what was found and removed, the longest first: `kind`, `score`, `frames` (first and last), `box`
        (left, top, right, bottom, of all its frames), `largest` (share of a frame); None if the finder cannot tell
        kinds, or none was asked; `suspects`: likewise what was found and left, as it lacks a proof or may not go;
        `regenerated`: None without a refiner, or its settings and the `regions` (first and last frame, crop);
        `estimated`: None, or of the visible pixels the `noise` in levels, how likely they are `blurred`, in [0, 1], and
        the share `corrected` of the correction;
        `provenance`: the shares of all pixels that were `seen`, `copied`, `filled`, `regenerated`;
        `scores`: None, or `before` and `after` (`Scores.summary`) and `regions`, whose mask separates hole and seen;
        `warnings`; `part` and `next_part`, None if it is the last; `broken`: None, or where the video breaks.

    Raises:
        InputError: a file is missing, broken or does not fit the others, or `output` cannot be written: nothing is left
        RestoreError: the video breaks half way; its frames up to there were restored, and are kept with their report.

    >>> restorer = Restorer.from_pretrained()  # doctest: +SKIP
    >>> restore_file(restorer, "old.avi", "new.avi", mask="scratches.mkv")["frames"]  # doctest: +SKIP
    240
    """
    started, output = perf_counter(), Path(output)
    mode = mask_mode or ("given" if mask else "found")
    if mode in ("given", "both") and mask is None:
        raise ValueError(f"mask_mode is {mode!r}, and there is no mask; give one")
    if write_suspects and mode not in FINDING:
        raise ValueError(f"mask_mode is {mode!r}, so nothing is suspected; leave write_suspects out")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is {strength}, expected 0 to 1")
    setting = light_setting(light)
    used = mask if mode in ("given", "both") else None
    if not overwrite:
        check_report(output)
    check, found, lights = MaskCheck(), Found(), Lights(setting)
    regions: list[dict[str, Any]] = []
    crashes: list[str] = []
    count, hidden, codes = 0, 0.0, np.zeros(len(NAMES), np.int64)
    with ExitStack() as stack:
        order = field_order(Path(video), part) if interlaced != "off" else None
        notes = order.notes() if order else []
        kept = None if interlaced == "deinterlace" else order
        top_first = order.top_first if order and not kept else None
        if top_first is not None and (used or original):
            raise VideoError(
                "deinterlaced video has twice as many frames, a mask or an original one for each of the input's; "
                f"ask for --interlaced keep: {video}"
            )
        whole = stack.enter_context(VideoReader(video, rate=exact_rate(rate), top_first=top_first, part=part))
        if kept:
            refuse_unheld(kept, output.suffix, output)
        info = replace(whole.info, interlaced=bool(kept and kept.flagged))
        masks = stack.enter_context(open_paired("mask", Path(used), whole)) if used else None
        originals = stack.enter_context(open_paired("original", Path(original), whole)) if original else None
        reader = split(whole, kept)
        masks, originals = masks and split(masks, kept), originals and split(originals, kept)
        device = str(restorer.device)
        before, after = (Scores(lpips=lpips and originals is not None, device=device) for _ in range(2))
        # What is entered last ends first: the video remains whatever becomes of its sidecars.
        sidecars = stack.enter_context(
            Sidecars(
                info,
                order=kept,
                mask=write_mask,
                suspects=write_suspects,
                provenance=write_provenance,
                confidence=write_confidence,
                comparison=write_side_by_side,
                with_original=originals is not None,
                overwrite=overwrite,
            )
        )
        page = HtmlReport(write_html, info=reader.info, overwrite=overwrite) if write_html else None
        writer = stack.enter_context(
            VideoWriter(output, info=info, source=video, lossless=lossless, quality=quality, overwrite=overwrite)
        )
        writer = woven(writer, kept)
        if used:
            check = MaskCheck.of(Path(used))
            refuse_lengths("mask", Path(used), check.frames, whole)
            log.info("%s: %s", check.summary(), used)
        early = [f"not in the output: {line}" for line in writer.left_out]
        early += writer.notes + notes + check.warnings()
        if early:
            warnings.warn(f"{'; '.join(early)}: {video}", stacklevel=2)
        frames = masked_frames(restorer, reader, masks, check, mode=mode, remove=remove, dilation=mask_dilation)
        results = restorer.restore(frames, strength=strength, light=setting)
        if hybrid:
            results = hybrid.refine_frames(results, regions=regions, progress=refining)
        restored = stack.enter_context(closing(prefetch(results, AHEAD)))
        for result, clean in _until_crash(_with_originals(restored, reader, originals), crashes):
            frame = result.frame
            if hidden_only:
                seen = (result.provenance == SEEN)[..., None]
                result = replace(result, image=np.where(seen, frame.image, result.image))
            writer.write(result.image, frame.pts, frame.carried)
            sidecars.write(result, clean)
            found.add(result)
            if page:
                page.add(result, clean)
            lights.add(frame)
            count, hidden = count + 1, hidden + float(result.mask.mean())
            codes += np.bincount(result.provenance.ravel(), minlength=len(NAMES))
            if clean is not None:
                before.add(frame.given, clean, result.mask)
                after.add(result.image, clean, result.mask)
            if progress:
                progress(1)
        writer.end_at(reader.following)
    # A mask or an original has one size: beyond a change of the video's there is nothing to go with it.
    following = reader.following is not None and not used and not original
    broken = (None if following else reader.broken) or next(iter(crashes), None)
    seconds = perf_counter() - started
    pictures, count = count, count // 2 if kept else count
    lists, unlisted = found.report()
    ended = [f"the picture changes its size after {count} frames, and what follows is a part of its own"] * following
    report: dict[str, Any] = {
        "input": str(video),
        "output": output.name,
        "side_files": [path.name for path in sidecars.paths],
        "mask": str(used) if used else None,
        "original": str(original) if original else None,
        "weights": relative_to_root(weights) if weights else None,
        "sha256": digests(input=video, mask=used, original=original, output=output, **weights_files(weights))
        | {"side_files": {path.name: digests(file=path)["file"] for path in sidecars.paths}},
        "frames": count,
        "width": info.width,
        "height": info.height,
        "rate": round(float(info.rate), 6),
        "stages": _stages(restorer, mode, setting) + ["refine"] * (hybrid is not None) + ["hidden only"] * hidden_only,
        "device": device,
        "precision": str(restorer.dtype).removeprefix("torch."),
        "engine": restorer.engine,
        "versions": versions(restorer.engine),
        "seconds": round(seconds, 3),
        "frames_per_second": round(count / seconds, 3),
        "mask_mode": mode,
        "remove": sorted(remove, key=KINDS.index) if mode in FINDING else None,
        "mask_dilation": mask_dilation,
        "strength": strength,
        "settings": {
            "lossless": lossless,
            "quality": quality,
            "rate": rate,
            "interlaced": interlaced,
            "hidden_only": hidden_only,
            "light": setting,
        },
        "light": lights.report(),
        "hidden": round(hidden / pictures, 6),
        **lists,
        "regenerated": asdict(hybrid.settings) | {"regions": regions} if hybrid else None,
        "provenance": shares(codes),
        "interlaced": str(order) if order else None,
        "scores": None,
        "warnings": oddities(reader, writer)
        + writer.notes
        + notes
        + check.warnings()
        + ended
        + unlisted
        + lights.warnings(),
        "part": part,
        "next_part": part + 1 if following else None,
        "broken": broken,
    }
    if originals:
        report["scores"] = {"regions": mode, "before": before.summary(), "after": after.summary()}
    try:
        if page:
            page.write(output, report)
    finally:
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


def _with_originals(
    restored: Iterator[Restored], video: VideoReader, originals: Paired | None
) -> Generator[tuple[Restored, np.ndarray | None], None, None]:
    """Each restored frame with what it should be, if that is known."""
    if originals is None:
        for result in restored:
            yield result, None
        return
    for result, clean in in_step(restored, video, "original", originals):
        yield result, clean.image


def _stages(restorer: Restorer, mode: MaskMode, light: Setting) -> list[str]:
    propagates = not isinstance(restorer.generator, Pix2PixUNet)
    return ["find"] * (mode in FINDING) + ["light"] * (light != "off") + ["propagate"] * propagates + ["generate"]
