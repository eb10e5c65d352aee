"""What the report of a restored video says, from what was asked for and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restore.inference.config import FINDING
from restore.inference.inputs import Inputs
from restore.inference.masks import MaskMode
from restore.inference.ranged import Ranged
from restore.inference.report import digests
from restore.inference.totals import Totals
from restore.inference.verify import weights_files
from restore.inference.versions import versions
from restore.kinds import KINDS
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.copies import UNSEEN_COLOUR
from restore.shipped import relative_to_root
from restore.video.copied_pictures import Copies
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter

if TYPE_CHECKING:  # see `restore_file`
    from restore.refinement.hybrid import Hybrid


def asked_for(
    restorer: Restorer,
    *,
    mode: MaskMode,
    remove: Collection[str],
    mask_dilation: int,
    strength: float,
    part: int,
    hybrid: "Hybrid | None",
    **settings: Any,
) -> dict[str, Any]:
    """The settings of a restoration, by their names in the report. The arguments are those of `restore_file`, but for
    `mode`: whose mask is used.
    """
    propagates = not isinstance(restorer.generator, Pix2PixUNet)
    computes = restorer.generator or restorer.finder  # a network, anything
    stages = ["find"] * (mode in FINDING) + ["light"] * (settings["light"] != "off")
    stages += ["propagate"] * propagates + ["generate" if restorer.generator else "mark"]
    stages += ["refine"] * (hybrid is not None) + ["hidden only"] * settings["hidden_only"]
    return {
        "stages": stages + ["enlarge"] * ("scale" in settings),
        "device": str(restorer.device),
        "precision": str(restorer.dtype).removeprefix("torch.") if computes else None,
        "engine": restorer.engine if computes else None,
        "mask_mode": mode,
        "remove": sorted(remove, key=KINDS.index) if mode in FINDING else None,
        "mask_dilation": mask_dilation,
        "strength": strength,
        "settings": settings,
        "part": part,
        "unseen_colour": None if restorer.generator else list(UNSEEN_COLOUR),
        "regenerated": asdict(hybrid.settings) if hybrid else None,
    }


def reported(
    asked: dict[str, Any],
    totals: Totals,
    *,
    inputs: Inputs,
    ranged: Ranged,
    copies: Copies | None,
    files: dict[str, str | Path | None],
    output: Path,
    side_files: Sequence[Path],
    weights: str | Path | None,
    hybrid: "Hybrid | None",
    warnings: Sequence[str],
    crash: str | None,
) -> dict[str, Any]:
    """The report, once all is written.

    Args:
        asked: from `asked_for`.
        inputs: what the output was read of, up to where it ends.
        ranged: what of it was restored.
        copies: coded pictures that were copied.
        files: the `input`, the `mask` and the `original`, None where there is none.
        weights: the file that the models come from.
        hybrid: what refined, if anything did.
        crash: why it stopped half way, if it did.

    Returns:
        All by name, ready for JSON:
        `input`, `mask`, `original` (paths as given), `weights`, `refiner`, `motion_adapter` (likewise, or hub ids;
        relative to the package inside it), `output`, `side_files` (names); `sha256` of `input`, `mask`, `original`,
        `output`, `weights`, `segmenter`, `noise`, `refiner` and `motion_adapter`, None for what is not given or came
        from a hub, of the `scaler` where it enlarges, and of the `side_files` by their names; `versions` of all that
        computes;
        `frames`, `width`, `height`, `rate` (1/s); `stages`, `device`, `precision` and `engine` (None, as the `weights`,
        where no network computes), `strips` (rows of those that networks computed the pictures in; None: whole),
        `seconds`, `frames_per_second`; `mask_mode`, `remove`, `mask_dilation`, `strength`,
        and other `settings`;
        `light`: None, or the `setting`, the share of the frames that are `changed`, and the `scenes` in which some are,
        each with its `frames` (first and last), `gain` (least and greatest) and `balance` (of R, G and B, means);
        `range`: None, or what alone was restored: its `frames` (first and last, of the input) and `seconds`, the frame
        that the work began with (`read_from`), whether it alone is in the output (`only`), and the first and last of
        other frames whose coded pictures were `copied`, not encoded anew. All that is said of
        frames and pixels is of the output, in which those outside the range are as they were read; frames are counted
        from the output's first;
        `hidden` (share of all pixels); `interlaced`: None, or the order of the fields;
        `obstructions`: what was found and removed, the longest first: `kind`, `score`, `frames` (first and last), `box`
        (left, top, right, bottom, of all its frames), `largest` (share of a frame); None if the finder cannot tell
        kinds, or none was asked; `suspects`: likewise what was found and left, as it lacks a proof or may not go;
        `regenerated`: None without a refiner, or its settings and the `regions` (first and last frame, crop);
        `estimated`: None, or of the visible pixels the `noise` in levels, how likely they are `blurred`, in [0, 1], and
        the share `corrected` of the correction;
        `provenance`: the shares of all pixels that were `seen`, `copied`, `filled`, `regenerated`, `unseen`, and,
        where any are, `enlarged`;
        `unseen_colour`: None with a generator, or the R, G and B, in [0, 255], of what no frame saw;
        `scores`: None, or `before` and `after` (`Scores.summary`) and `regions`, whose mask separates hole and seen;
        `warnings`; `part` and `next_part`, None if it is the last; `broken`: None, or where the video breaks.
    """
    reader, info, seconds = inputs.video, inputs.info, totals.seconds
    weights = weights if asked["engine"] else None
    # A mask or an original has one size: beyond a change of the video's there is nothing to go with it.
    alone = asked["settings"]["only_range"]
    following = reader.following is not None and not files["mask"] and not files["original"] and not alone
    count = totals.frames // 2 if inputs.kept else totals.frames
    gathered, unlisted = totals.report()
    ended = [f"the picture changes its size after {count} frames, and what follows is a part of its own"] * following
    if gathered["scores"]:
        gathered["scores"] = {"regions": asked["mask_mode"]} | gathered["scores"]
    if asked["regenerated"]:
        gathered["regenerated"] = asked["regenerated"] | {"regions": ranged.regions(totals.regions)}
    report: dict[str, Any] = {
        "input": str(files["input"]),
        "output": output.name,
        "side_files": [path.name for path in side_files],
        "mask": str(files["mask"]) if files["mask"] else None,
        "original": str(files["original"]) if files["original"] else None,
        "weights": relative_to_root(weights) if weights else None,
        "refiner": relative_to_root(hybrid.folder) if hybrid and hybrid.folder else None,
        "motion_adapter": relative_to_root(hybrid.motion_adapter) if hybrid and hybrid.motion_adapter else None,
        "sha256": digests(**files, output=output, **weights_files(weights, hybrid, scaler="enlarge" in asked["stages"]))
        | {"side_files": {path.name: digests(file=path)["file"] for path in side_files}},
        "frames": count,
        "width": info.width,
        "height": info.height,
        "rate": round(float(info.rate), 6),
        "versions": versions(asked["engine"]),
        "seconds": round(seconds, 3),
        "frames_per_second": round(count / seconds, 3),
        "interlaced": str(inputs.order) if inputs.order else None,
        "warnings": [*warnings, *ended, *unlisted],
        "range": ranged.report(copies),
        "next_part": asked["part"] + 1 if following else None,
        "broken": (None if following or alone else reader.broken) or crash,
    }
    return report | asked | gathered


def oddities(reader: VideoReader, writer: VideoWriter) -> list[str]:
    """What is not quite as it should be about the input, or not in the output."""
    lines = [f"not in the output: {line}" for line in writer.left_out]
    if reader.seams:
        places = ", ".join(f"{float(seam):.2f} s" for seam in reader.seams)
        lines.append(f"joined recordings: the times start anew in the input, and go on in the output, at {places}")
    if reader.retimed:
        lines.append(f"{reader.retimed} frames had no usable time and are displayed one frame after the one before")
    if reader.concealed:
        lines.append(f"{reader.concealed} frames were damaged, and patched up by the decoder")
    return lines
