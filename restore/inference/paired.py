"""What is given to go with a video, its mask or its original: of the video's size, one frame for each of its frames.

A mask may also be an image that serves all frames, or a folder with an image for each.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from restore.errors import InputError, MaskError, VideoError
from restore.frame import Frame
from restore.restored import Restored
from restore.video.clip import count_frames
from restore.video.images import ImageReader
from restore.video.mask import open_mask
from restore.video.reader import VideoReader

T = TypeVar("T")
Kind = Literal["mask", "original"]
Paired = VideoReader | ImageReader
RATES = 0.01  # by which two rates may differ: 29.97 is called 30, and containers round
ERRORS: dict[Kind, type[InputError]] = {"mask": MaskError, "original": VideoError}


def open_paired(
    kind: Kind, path: Path, video: VideoReader, *, size: tuple[int, int] | None = None
) -> AbstractContextManager[Paired]:
    """Open the mask or the original of a video, and compare what can be known before they are decoded.

    Args:
        size: columns and rows that it must have; by default the video's.

    Raises:
        MaskError, VideoError: its size or its number of frames is not the video's; a mask has another rate, or is the
            video itself.
        VideoError: it cannot be read.
    """
    paired = _open(kind, path)
    try:
        if kind == "mask" and path.samefile(video.path):  # easily done with folders, and nothing else would tell
            raise MaskError(f"the mask is the video itself; give another file: {path}")
        theirs, ours = paired.info, video.info
        if (theirs.width, theirs.height) != (size or (ours.width, ours.height)):
            whose = "enlarged video" if size else "video"
            width, height = size or (ours.width, ours.height)
            raise ERRORS[kind](
                f"{kind} is {theirs.width}x{theirs.height}, {whose} is {width}x{height}; "
                f"give one of the {whose}'s size: {path}"
            )
        other_rate = kind == "mask" and theirs.rate and abs(theirs.rate / ours.rate - 1) > RATES
        if other_rate or (theirs.frames and ours.frames and theirs.frames != ours.frames):
            # Containers do not always tell the truth; before anything is refused, the frames are counted.
            error = _difference(kind, path, video.path)
            if error:
                raise error
    except BaseException:
        paired.close()
        raise
    return paired


def in_step(items: Iterable[T], video: VideoReader, kind: Kind, paired: Paired) -> Iterator[tuple[T, Frame]]:
    """Pair items, one for each frame of `video`, with the frames of its mask or original.

    Where the video breaks half way, or one image serves all frames, the pairs end with the video.

    Raises:
        MaskError, VideoError: one ends before the other.
    """
    for item, frame in zip_longest(items, paired):
        if item is None and (video.broken or _is_endless(paired)):
            return
        if item is None or frame is None:
            if paired.broken:
                why = f"the {kind} breaks before the video ({paired.broken}); copy it again"
                raise ERRORS[kind](f"{why}: {paired.path}")
            error = _difference(kind, paired.path, video.path)
            assert error, "one of them has ended"
            raise error
        yield item, frame


def with_originals(
    restored: Iterator[Restored], video: VideoReader, originals: Paired | None
) -> Generator[tuple[Restored, np.ndarray | None], None, None]:
    """Each restored frame with what it should be, if that is known."""
    if originals is None:
        for result in restored:
            yield result, None
        return
    for result, clean in in_step(restored, video, "original", originals):
        yield result, clean.image


def refuse_lengths(kind: Kind, path: Path, frames: int | None, video: VideoReader) -> None:
    """Refuse what has `frames` frames, where they are known, for a video that has another number of them.

    Raises:
        MaskError, VideoError: as `in_step`, before the work.
    """
    expected = video.info.frames or count_frames(video.path)
    if frames is not None and frames != expected:
        error = _difference(kind, path, video.path)
        if error:
            raise error


def _open(kind: Kind, path: Path) -> Paired:
    return open_mask(path) if kind == "mask" else VideoReader(path)


def _is_endless(paired: Paired) -> bool:
    return bool(getattr(paired, "endless", False))  # of an image, or of its fields


def _difference(kind: Kind, path: Path, video: Path) -> InputError | None:
    """Decode both and count; the error to raise if they differ."""
    with _open(kind, path) as paired, VideoReader(video) as reader:
        (got, their_rate), (expected, our_rate) = _counted(paired), _counted(reader)
        broken = reader.broken
        if got < expected and paired.broken:
            why = f"the {kind} breaks before the video ({paired.broken}); copy it again"
            return ERRORS[kind](f"{why}: {path}")
    if kind == "mask" and their_rate and our_rate and abs(their_rate / our_rate - 1) > RATES:
        return MaskError(
            f"mask has {float(their_rate):.6g} frames a second, video has {float(our_rate):.6g}; "
            f"give one of the video's rate, or a folder of images, which has none: {path}"
        )
    if got == expected or (broken and got > expected):  # where the video breaks, the other goes on
        return None
    why = f"{kind} has {got} frames, video has {expected}; give one {kind} frame per video frame"
    return ERRORS[kind](f"{why}: {path}")


def _counted(reader: Paired) -> tuple[int, Fraction | None]:
    """How many frames there are, and how many a second, from first to last; None where that has no meaning."""
    count, start, end = 0, Fraction(0), Fraction(0)
    for frame in reader:
        end = frame.pts * frame.time_base
        start = start if count else end
        count += 1
    return count, (count - 1) / (end - start) if reader.info.rate and end > start else None
