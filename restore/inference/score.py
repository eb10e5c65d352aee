"""Scores a video that is restored already, by whomever, against its original."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from restore.errors import RestoreError
from restore.inference.paired import in_step, open_paired
from restore.scoring.report import Scores
from restore.video.mask import MaskCheck
from restore.video.reader import VideoReader


def score(
    video: str | Path, original: str | Path, *, mask: str | Path | None = None, lpips: bool = False
) -> dict[str, Any]:
    """The scores of a video, as `Scores.summary` gives them.

    Args:
        video: of the original's size and number of frames.
        mask: white where the picture was hidden: a video, an image that serves all frames, or a folder of images. With
            it hidden and visible pixels are also scored separately.
        lpips: also LPIPS and DISTS.

    Raises:
        VideoError, MaskError: a file cannot be read, or does not fit the others.
        RestoreError: the video breaks half way.

    >>> score("restored.mkv", "original.mkv")["psnr"]  # doctest: +SKIP
    24.7846
    """
    scores = Scores(lpips=lpips)
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(video))
        originals = stack.enter_context(open_paired("original", Path(original), reader))
        pairs = in_step(reader, reader, "original", originals)
        if mask is None:
            for frame, clean in pairs:
                scores.add(frame.image, clean.image)
        else:
            masks = stack.enter_context(open_paired("mask", Path(mask), reader))
            check = MaskCheck.of(Path(mask))
            for (frame, clean), hidden in in_step(pairs, reader, "mask", masks):
                scores.add(frame.image, clean.image, check.hidden_pixels(hidden.image))
        if reader.broken:
            raise RestoreError(f"{reader.broken}; it is not scored, copy it again: {video}")
    return scores.summary()
