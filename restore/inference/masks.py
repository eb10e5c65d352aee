"""The mask that a video is restored by: given in a file, found in the video, both or none; dilated, if asked for."""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Literal

import numpy as np

from restore.detection.dilate import dilate
from restore.frame import Frame
from restore.inference.config import FINDING
from restore.inference.inputs import Inputs
from restore.inference.paired import Paired, in_step
from restore.pipeline import Restorer
from restore.video.mask import MaskCheck
from restore.video.prefetch import prefetch
from restore.video.reader import VideoReader

MaskMode = Literal["given", "found", "all", "both", "none"]


def masked_frames(
    restorer: Restorer,
    inputs: Inputs,
    *,
    check: MaskCheck,
    mode: MaskMode,
    remove: Collection[str],
    dilation: int,
) -> Iterator[Frame]:
    """The frames of a video, with masks.

    Args:
        inputs: with the mask's file, where `mode` asks for one; `check` looks at its frames.
        mode: whose mask is used; `found` is what is proven, `all` what is suspected, too; `both` hides what the given
            one or the found one hides, `none` nothing.
        remove: the kinds that may be removed where they are found.
        dilation: pixels that the mask is dilated by, in all directions.
    """
    detect = partial(restorer.detect, remove=remove, suspects=mode == "all") if mode in FINDING else None
    for frame in _masked(detect, inputs.video, inputs.masks, check, ahead=restorer.plan.ahead):
        if dilation:
            assert frame.mask is not None
            frame.mask = dilate(frame.mask, dilation)
        yield frame


def _masked(
    detect: Callable[[Iterator[Frame]], Iterator[Frame]] | None,
    video: VideoReader,
    given: Paired | None,
    check: MaskCheck,
    *,
    ahead: int,
) -> Iterator[Frame]:
    if given is None:
        yield from (detect or _unhidden)(prefetch(video, ahead))
        return
    masks: deque[np.ndarray] = deque()  # of the frames on their way through detection

    def pictures() -> Iterator[Frame]:
        for frame, mask in prefetch(in_step(video, video, "mask", given), ahead):
            masks.append(check.hidden_pixels(mask.image).astype(np.float32))
            yield frame

    for frame in detect(pictures()) if detect else pictures():
        mask = masks.popleft()
        frame.mask = mask if frame.mask is None else np.maximum(frame.mask, mask)
        yield frame


def _unhidden(frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        frame.mask = np.zeros(frame.size, np.float32)
        yield frame
