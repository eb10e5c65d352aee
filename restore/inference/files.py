"""Restore one video file into another, streamed: any length, one window of frames in memory.

    reader ──> its mask ──> restorer ──> its original ──> writer, sidecars, journal
    thread     thread       threads      thread           caller's thread

Decoding and encoding run while the models do. Whatever goes wrong, nothing half-written stands under a final name.
"""

import warnings
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restore.errors import RestoreError
from restore.inference.config import FINDING
from restore.inference.done import done_before
from restore.inference.html_report import HtmlReport
from restore.inference.identity import identity
from restore.inference.inputs import Interlaced, checked_mask, open_inputs
from restore.inference.journal import SEGMENT, Journal
from restore.inference.masks import MaskMode, masked_frames
from restore.inference.memory import Memory
from restore.inference.paired import with_originals
from restore.inference.range_setting import RangeSetting
from restore.inference.ranged import Ranged
from restore.inference.report import check_report, write_report
from restore.inference.reporting import asked_for, oddities, reported
from restore.inference.segments import Segments
from restore.inference.sidecars import Sidecars
from restore.inference.totals import Totals
from restore.inference.until_crash import until_crash
from restore.inference.verify import weights_files
from restore.kinds import REMOVED
from restore.light.setting import light_setting
from restore.pipeline import Restorer
from restore.propagation.provenance import SEEN
from restore.restored import Restored
from restore.scaling.sizes import Scale
from restore.video.copied_pictures import copying
from restore.video.fields import woven
from restore.video.mask import MaskCheck
from restore.video.prefetch import prefetch
from restore.video.writer import VideoWriter

if TYPE_CHECKING:  # importing diffusers takes seconds, and not every restoration refines
    from restore.refinement.hybrid import Hybrid


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
    scale: Scale | None = None,
    square_pixels: bool = False,
    write_mask: str | Path | None = None,
    write_suspects: str | Path | None = None,
    write_provenance: str | Path | None = None,
    write_confidence: str | Path | None = None,
    write_uncertainty: str | Path | None = None,
    write_side_by_side: str | Path | None = None,
    write_html: str | Path | None = None,
    original: str | Path | None = None,
    lossless: bool = False,
    quality: int | None = None,
    rate: float | None = None,
    range: str | None = None,
    only_range: bool = False,
    part: int = 0,
    interlaced: Interlaced = "auto",
    overwrite: bool = False,
    done: bool = False,
    lpips: bool = False,
    hybrid: "Hybrid | None" = None,
    hidden_only: bool = False,
    weights: str | Path | None = None,
    resume: bool = True,
    segment: int = SEGMENT,
    memory: Memory | None = None,
    progress: Callable[[int], object] | None = None,
    refining: Callable[[int, int, int], None] | None = None,
) -> dict[str, Any]:
    """Restore a video; sound, subtitles, times and tags go along as they are.

    Args:
        restorer: without a generator nothing is generated: visible pixels stay as they are, bit for bit, hidden ones
            are copied from frames that saw them, or marked (`propagation/copies.py`).
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
            are, bit for bit. Hidden pixels are the same at any strength. It is 1 where there is no generator.
        light: `off`; `auto`, which measures how much light each scene lacks; or a gain in linear light, more than 0. It
            is given once the mask is known, which is the same in any light, and before all else: `strength` 0 and
            `hidden_only` leave visible pixels lighter, and nothing more; `mask_mode` `none` hides nothing of the
            lighter picture; the scores `before` and the side-by-side's first picture are of the video as it is.
            Provenance calls such pixels seen. What is interrupted is not gone on with, but begun again.
        scale: `2`, `4`, `720p` or `1080p`: enlarge what is restored, with what neighbouring frames saw between the
            pixels; None leaves its size. All that is written is of that size, and so is the `original`; the scores
            `before` are of the video enlarged bicubically. What is interrupted goes on behind a cut.
        square_pixels: enlarge anamorphic video until its pixels are square; else they keep their shape.
        write_mask: `.mkv` for the mask that was used: lossless, grey, 255 where the picture is hidden, 0 elsewhere.
            Given as `mask` it restores the same, bit for bit.
        write_suspects: `.mkv` for what was found without proof, in the form of a mask.
        write_provenance: likewise for where each pixel comes from: the codes of `propagation/provenance.py`.
        write_confidence: likewise for how certain each is (`propagation/confidence.py`).
        write_uncertainty: likewise for how far apart the refiner's seeds are (`Restored.uncertainty`).
        write_side_by_side: a video of the original, where there is one, the degraded and the restored frames, and the
            restored ones coloured by where each pixel comes from.
        write_html: `.html` for the report as a page with pictures and charts (`html_report.py`).
        original: the undamaged video, to score against.
        lossless: FFV1 in RGB, into `.mkv`.
        quality: on the encoder's scale, see `VideoWriter`.
        rate: frames a second of a raw stream, which may state none.
        range: restore this part alone, bit for bit as it is restored in the whole: `120-360`, the first and the last
            frame, counted from 0; or `00:01:00-00:02:30`, times since the first frame begins, of which the frames are
            those that begin in it, without the end itself. Without an end it is to the last frame. Other frames go
            along as they were read, and count in the report as visible. Not together with `scale`.
        only_range: write the range alone, from time 0 on; numbers of frames in the report are those of the output.
        part: which part of a video whose picture changes its size, counted from 0; with the sound of its time.
        interlaced: `auto` and `keep` restore the fields of interlaced video as a sequence of their own and weave them
            back; `deinterlace` makes each field a progressive frame, `off` takes frames as progressive.
        overwrite: replace `output`, its report, and what else is written, if they exist.
        done: an earlier run has restored `video` to `output`: return its report, if it did the same (`done_before`).
        lpips: also score LPIPS.
        hybrid: regenerates what no frame saw, where that is much; None leaves it as the generator fills it.
        hidden_only: restore hidden pixels only; each visible one stays as it is in `video`, bit for bit.
        weights: the file that the restorer's models come from, for the report.
        resume: go on where the same restoration was interrupted; without it what is done of it is done anew.
        segment: frames after which what is done can be gone on behind (`Propagation`). Where a video is longer, another
            length codes it into other bytes.
        memory: how much it may take; by default what is free. Where that is less than the whole pictures take, it is
            restored in strips, which restores the same but for last bits.
        progress: called with 1 for each frame that is written.
        refining: called with `(stretch, model calls made, model calls in all)` for each stretch that is refined.

    Returns:
        The report: see `reporting.reported`, and `report.seal` for its `seal`.

    Raises:
        InputError: a file is missing, broken or does not fit the others, or `output` cannot be written: nothing is left
        RestoreError: the video breaks half way; its frames up to there were restored, and are kept with their report.

    >>> restorer = Restorer.from_pretrained()  # doctest: +SKIP
    >>> restore_file(restorer, "old.avi", "new.avi", mask="scratches.mkv")["frames"]  # doctest: +SKIP
    240
    """
    output = Path(output)
    mode = mask_mode or ("given" if mask else "found")
    if mode in ("given", "both") and mask is None:
        raise ValueError(f"mask_mode is {mode!r}, and there is no mask; give one")
    if write_suspects and mode not in FINDING:
        raise ValueError(f"mask_mode is {mode!r}, so nothing is suspected; leave write_suspects out")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength is {strength}, expected 0 to 1")
    if restorer.generator is None and (strength != 1 or hybrid):
        raise ValueError("strength and a refiner change what is generated, and the restorer has no generator; load it")
    if restorer.finder is None and mode in FINDING:
        raise ValueError(f"mask_mode is {mode!r}, and the restorer has no finder; load it, or give a mask")
    if scale and restorer.generator is None:
        raise ValueError(f"scale is {scale}, and the restorer has no generator, so that nothing is generated; load it")
    if scale and restorer.scaler is None:
        raise ValueError(f"scale is {scale}, and the restorer has no scaler; load it")
    setting = light_setting(light)
    range_ = RangeSetting.of(range) if range else None
    if only_range and not range_:
        raise ValueError("only_range is given, and there is no range; give one")
    if range_ and scale:
        raise ValueError("a range goes into a video of its size, and scale enlarges; give one of the two")
    used, detects = mask if mode in ("given", "both") else None, mode in FINDING
    if not overwrite:
        check_report(output)
    asked = asked_for(
        restorer,
        mode=mode,
        remove=remove,
        mask_dilation=mask_dilation,
        strength=strength,
        light=setting,
        part=part,
        hybrid=hybrid,
        lossless=lossless,
        quality=quality,
        rate=rate,
        range=range,
        only_range=only_range,
        interlaced=interlaced,
        hidden_only=hidden_only,
        segment=segment,
        **({"scale": scale, "square_pixels": square_pixels} if scale else {}),
    )
    files = {"input": video, "mask": used, "original": original}
    if done:
        videos = write_mask, write_suspects, write_provenance, write_confidence, write_uncertainty, write_side_by_side
        wanted = [*videos, write_html]
        names = [Path(path).name for path in wanted if path]
        models = weights_files(weights, hybrid, scaler=scale is not None)
        return done_before(output, asked, files=files, models=models, side_files=names, lpips=lpips)
    crashes: list[str] = []
    with Journal(output, anew=not resume) as journal:
        with ExitStack() as stack:
            opened = partial(
                open_inputs,
                video=video,
                mask=used,
                output=output,
                rate=rate,
                part=part,
                interlaced=interlaced,
                scale=scale,
                square_pixels=square_pixels,
            )
            inputs = opened(stack, original=original)
            reader, kept = inputs.video, inputs.kept
            picture = inputs.whole.info
            plan = (memory or Memory()).plan(picture.height, picture.width, finds=detects, folder=journal.folder)
            restorer, asked["strips"] = restorer.within(plan), plan.rows
            check = checked_mask(used, inputs.whole) if used else MaskCheck()
            masked = partial(masked_frames, restorer, check=check, mode=mode, remove=remove, dilation=mask_dilation)
            lit = setting != "off"
            ranged = Ranged.of(range_, stack, inputs, opened, masked, only=only_range, detects=detects, from_start=lit)
            # What is entered last ends first: the video remains whatever becomes of its sidecars.
            sidecars = stack.enter_context(
                Sidecars(
                    inputs.info,
                    journal,
                    order=kept,
                    mask=write_mask,
                    suspects=write_suspects,
                    provenance=write_provenance,
                    confidence=write_confidence,
                    uncertainty=write_uncertainty,
                    comparison=write_side_by_side,
                    with_original=inputs.originals is not None,
                    overwrite=overwrite,
                )
            )
            page = HtmlReport(write_html, info=reader.info, overwrite=overwrite) if write_html else None
            copies = ranged.copies(output, lossless=lossless, quality=quality)
            writer = stack.enter_context(
                VideoWriter(
                    output,
                    info=ranged.info,
                    source=video,
                    lossless=lossless,
                    quality=quality,
                    overwrite=overwrite,
                    folder=journal.folder,
                    files=journal.files("output"),
                    copies=copies is not None,
                )
            )
            writer = copying(woven(writer, kept), copies)
            early = [f"not in the output: {line}" for line in writer.left_out]
            noted = writer.notes + inputs.notes + check.warnings() + ranged.notes(copies, lossless=lossless)
            early += noted
            if early:
                warnings.warn(f"{'; '.join(early)}: {video}", stacklevel=2)
            totals = Totals(
                scored=original is not None, lpips=lpips, device=str(restorer.device), light=setting, page=page
            )
            side_files = [*sidecars.paths, *([page.path] if page else [])]
            itself = partial(identity, restorer, asked, hybrid, files=files, lpips=lpips, side_files=side_files)
            segments = Segments(
                journal,
                itself,
                writer=writer,
                sidecars=sidecars,
                totals=totals,
                detects=detects,
                begin=ranged.begin,
                first=ranged.first,
            )
            resumption = segments.resume(inputs, video)
            if progress and resumption:
                progress(totals.frames)
            # What is regenerated depends on where stretches end, counted from the begin of their scene.
            skip, ahead = (0, 0) if resumption else ranged.start(whole_scene=hybrid is not None)
            # What is regenerated fades from stretch to stretch, and what is enlarged carries its memory from frame to
            # frame: nothing but a cut ends a segment there. What light a scene has depends on all of it so far, and its
            # cuts are found in another picture.
            results = restorer.restore(
                masked(inputs),
                strength=strength,
                light=setting,
                segment=None if lit else segment,
                cuts_only=hybrid is not None or scale is not None,
                resumption=resumption,
                skip=skip,
            )
            if hybrid:
                number = ranged.number(totals.frames) - ahead
                results = hybrid.refine_frames(
                    results, first=number, skip=ahead, regions=totals.regions, progress=refining
                )
            if hidden_only:
                results = (_hidden_only(result) for result in results)
            if scale:
                results = restorer.enlarge(
                    prefetch(results, min(1, restorer.plan.ahead)), (inputs.info.height, inputs.info.width)
                )
            kinds = detects and restorer.segmenter is not None
            results = ranged.written(results, done=totals.frames, kinds=kinds)
            restored = stack.enter_context(closing(prefetch(results, restorer.plan.ahead)))
            pairs = ranged.ending(with_originals(restored, ranged.told.video, inputs.originals), done=totals.frames)
            for result, clean in until_crash(pairs, crashes):
                frame = result.frame
                frame.pts -= ranged.pts
                writer.write(result.image, frame.pts, frame.carried)
                sidecars.write(result, clean)
                totals.add(result, clean)
                segments.add(frame, whole=not (kept and totals.frames % 2))
                if progress:
                    progress(1)
            ranged.refuse_parts(totals.frames)
            if not only_range:
                writer.end_at(ranged.told.video.following)
            journal.claim()
        report = reported(
            asked,
            totals,
            inputs=ranged.told,
            ranged=ranged,
            copies=copies,
            files=files,
            output=output,
            side_files=sidecars.paths,
            weights=weights,
            hybrid=hybrid,
            warnings=oddities(ranged.told.video, writer) + noted,
            crash=next(iter(crashes), None),
        )
        try:
            if page:
                page.write(output, report)
        finally:
            write_report(output, report)
        if not crashes:
            journal.finish()
    for line in report["warnings"]:
        if line in early:
            continue
        warnings.warn(f"{line}: {video}", stacklevel=2)
    if report["broken"]:
        raise RestoreError(
            f"{report['broken']}; the {report['frames']} frames before are restored and kept in {output}: {video}"
        )
    return report


def _hidden_only(result: Restored) -> Restored:
    """Each visible pixel as it came in."""
    seen = (result.provenance == SEEN)[..., None]
    return replace(result, image=np.where(seen, result.frame.image, result.image))
