"""What is given beside a video, its mask or its original: of the video's size, one frame for each of its frames."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Literal, TypeVar

from restore.errors import InputError, MaskError, VideoError
from restore.video.reader import Frame, VideoReader

T = TypeVar("T")
Kind = Literal["mask", "original"]
ERRORS: dict[Kind, type[InputError]] = {"mask": MaskError, "original": VideoError}


def open_beside(kind: Kind, path: Path, video: VideoReader) -> VideoReader:
    """Open the mask or the original of a video, and compare what can be known before they are decoded.

    Raises:
        MaskError, VideoError: its size or its number of frames is not the video's, or a mask is the video itself.
        VideoError: it cannot be read.
    """
    beside = VideoReader(path)
    try:
        if kind == "mask" and path.samefile(video.path):  # easily done with folders, and nothing else would tell
            raise MaskError(f"the mask is the video itself; give another file: {path}")
        theirs, ours = beside.info, video.info
        if (theirs.width, theirs.height) != (ours.width, ours.height):
            raise ERRORS[kind](
                f"{kind} is {theirs.width}x{theirs.height}, video is {ours.width}x{ours.height}; "
                f"give one of the video's size: {path}"
            )
        if theirs.frames and ours.frames and theirs.frames != ours.frames:
            # Containers do not always tell the truth; before anything is refused, the frames are counted.
            error = _difference(kind, path, video.path)
            if error:
                raise error
    except BaseException:
        beside.close()
        raise
    return beside


def in_step(items: Iterable[T], video: VideoReader, kind: Kind, beside: VideoReader) -> Iterator[tuple[T, Frame]]:
    """Pair items, one for each frame of `video`, with the frames of its mask or original.

    Where the video breaks half way the pairs end with it.

    Raises:
        MaskError, VideoError: one ends before the other.
    """
    for item, frame in zip_longest(items, beside):
        if item is None and video.broken:
            return
        if item is None or frame is None:
            if beside.broken:
                why = f"the {kind} breaks before the video ({beside.broken}); copy it again"
                raise ERRORS[kind](f"{why}: {beside.path}")
            error = _difference(kind, beside.path, video.path)
            assert error, "one of them has ended"
            raise error
        yield item, frame


def _difference(kind: Kind, path: Path, video: Path) -> InputError | None:
    """Count the frames of both; the error to raise if they differ."""
    with VideoReader(video) as reader:
        expected = sum(1 for _ in reader)
        broken = reader.broken
    with VideoReader(path) as reader:
        got = sum(1 for _ in reader)
    if got == expected or (broken and got > expected):  # where the video breaks, the other goes on
        return None
    why = f"{kind} has {got} frames, video has {expected}; give one {kind} frame per video frame"
    return ERRORS[kind](f"{why}: {path}")
