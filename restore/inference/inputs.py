"""What goes into a restoration: the video, its mask and its original, opened and compared before the work begins."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from restore.errors import VideoError
from restore.inference.paired import Paired, open_paired, refuse_lengths
from restore.scaling.sizes import Scale, enlarged_info
from restore.video.fields import FieldOrder, field_order, refuse_unheld, split
from restore.video.info import VideoInfo, exact_rate
from restore.video.mask import MaskCheck
from restore.video.reader import VideoReader

log = logging.getLogger(__name__)

Interlaced = Literal["auto", "keep", "deinterlace", "off"]


@dataclass(frozen=True)
class Inputs:
    """Open files.

    Attributes:
        whole: the video.
        video: the same; of interlaced video that stays so each frame is one field. So it is of masks and originals.
        info: of the video as it is written.
        masks, originals: what is given with it, if it is.
        order: of the fields, if it is interlaced.
        kept: the same where fields are woven back into frames.
    """

    whole: VideoReader
    video: VideoReader
    info: VideoInfo
    masks: Paired | None
    originals: Paired | None
    order: FieldOrder | None
    kept: FieldOrder | None

    def skip(self, begin: int, frames: int) -> None:
        """Read over the first frames: of the video and its mask up to `begin`, of the original as many as `frames`."""
        for reader, count in ((self.video, begin), (self.masks, begin), (self.originals, frames)):
            if reader is not None and not getattr(reader, "endless", False):
                for _ in islice(reader, count):
                    pass

    @property
    def notes(self) -> list[str]:
        """What a person may not expect of the input, one line each."""
        return self.order.notes() if self.order else []


def open_inputs(
    stack: ExitStack,
    video: str | Path,
    *,
    mask: str | Path | None,
    original: str | Path | None = None,
    output: Path,
    rate: float | None,
    part: int,
    interlaced: Interlaced,
    scale: Scale | None = None,
    square_pixels: bool = False,
) -> Inputs:
    """Open them; `stack` closes them. The arguments are those of `restore_file`.

    Raises:
        InputError: a file is missing, broken or does not fit the others.
    """
    order = field_order(Path(video), part) if interlaced != "off" else None
    kept = None if interlaced == "deinterlace" else order
    top_first = order.top_first if order and not kept else None
    if top_first is not None and (mask or original):
        raise VideoError(
            "deinterlaced video has twice as many frames, a mask or an original one for each of the input's; "
            f"ask for --interlaced keep: {video}"
        )
    whole = stack.enter_context(VideoReader(video, rate=exact_rate(rate), top_first=top_first, part=part))
    info = replace(whole.info, interlaced=bool(kept and kept.flagged))
    if scale:
        if kept:
            raise VideoError(
                f"interlaced video is not enlarged as fields; ask for --interlaced deinterlace, or off: {video}"
            )
        info = _enlarged(whole, scale, square_pixels=square_pixels)
    size = (info.width, info.height) if scale else None
    if kept:
        refuse_unheld(kept, output.suffix, output)
    masks = stack.enter_context(open_paired("mask", Path(mask), whole)) if mask else None
    originals = stack.enter_context(open_paired("original", Path(original), whole, size=size)) if original else None
    masks, originals = masks and split(masks, kept), originals and split(originals, kept)
    return Inputs(whole, split(whole, kept), info, masks, originals, order, kept)


def enlarged_size(video: VideoReader, scale: Scale, *, square_pixels: bool) -> tuple[int, int]:
    """Columns and rows of an enlarged video.

    Raises:
        VideoError: it is as large already, or becomes too large.
    """
    info = _enlarged(video, scale, square_pixels=square_pixels)
    return info.width, info.height


def _enlarged(video: VideoReader, scale: Scale, *, square_pixels: bool) -> VideoInfo:
    try:
        return enlarged_info(video.info, scale, square_pixels=square_pixels)
    except VideoError as error:
        raise VideoError(f"{error}: {video.path}") from error


def checked_mask(mask: str | Path, video: VideoReader) -> MaskCheck:
    """Look through a mask, before the work, and log what it hides.

    Raises:
        InputError: it cannot be read, or has another length than the video.
    """
    check = MaskCheck.of(Path(mask))
    refuse_lengths("mask", Path(mask), check.frames, video)
    log.info("%s: %s", check.summary(), mask)
    return check
