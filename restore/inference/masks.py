"""The mask that a video is restored by: given beside it, found in it, both or none; grown, if that is asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from typing import Literal

import numpy as np

from restore.detection.dilate import dilate
from restore.frame import Frame as Detected
from restore.inference.paired import Beside, in_step
from restore.pipeline import Restored, Restorer
from restore.propagation.engine import DOUBT
from restore.video.mask import MaskCheck
from restore.video.prefetch import prefetch
from restore.video.reader import Frame, VideoReader

AHEAD = 4  # frames decoded ahead of their use
MaskMode = Literal["given", "found", "both", "none"]
Masked = Iterator[tuple[np.ndarray, np.ndarray]]


def restored_frames(
    restorer: Restorer,
    video: VideoReader,
    given: Beside | None,
    check: MaskCheck,
    *,
    mode: MaskMode,
    dilation: int,
    certain: bool,
    note: Callable[[Detected], object],
    refine: Callable[[Iterator[Restored]], Iterator[Restored]] | None,
) -> Iterator[tuple[Frame, Restored]]:
    """Each frame of a video with what becomes of it.

    Args:
        given: the mask beside the video, where `mode` asks for one; `check` looks at its frames.
        mode: whose mask is used; `both` hides what either hides, `none` nothing.
        dilation: pixels that the mask is grown by, in all directions.
        certain: take each pixel for hidden or not, where the finder says how likely it is.
        note: told of each frame in which something was looked for.
        refine: what the restored frames go through.
    """
    waiting: deque[Frame] = deque()  # handed to the restorer and not yet back

    def images(frames: Iterable[Frame]) -> Iterator[np.ndarray]:
        for frame in frames:
            waiting.append(frame)
            yield frame.image

    masked: Masked
    if given is None:
        frames = images(prefetch(video, AHEAD))
        masked = _noted(restorer.find(frames), note) if mode == "found" else _unhidden(frames)
    else:
        # Both copies are read in turn by one thread, so few pairs are held.
        first, second = tee(prefetch(in_step(video, video, "mask", given), AHEAD))
        frames = images(frame for frame, _ in first)
        hidden = (check.hidden_pixels(mask.image) for _, mask in second)
        masked = (
            _united(_noted(restorer.find(frames), note), hidden) if mode == "both" else zip(frames, hidden, strict=True)
        )
    if certain:
        masked = ((image, mask > DOUBT) for image, mask in masked)
    if dilation:
        masked = ((image, dilate(mask, dilation)) for image, mask in masked)
    restored = restorer.restore_masked(masked)
    for result in refine(restored) if refine else restored:
        yield waiting.popleft(), result


def _noted(detected: Iterable[Detected], note: Callable[[Detected], object]) -> Masked:
    for frame in detected:
        note(frame)
        assert frame.mask is not None, "detection sets it"
        yield frame.image, frame.mask


def _unhidden(images: Iterable[np.ndarray]) -> Masked:
    for image in images:
        yield image, np.zeros(image.shape[:2], np.float32)


def _united(found: Masked, given: Iterable[np.ndarray]) -> Masked:
    for (image, mask), hidden in zip(found, given, strict=True):
        yield image, np.maximum(mask, hidden)
