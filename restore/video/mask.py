"""Read a mask given as a video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from restore.video.reader import VideoReader

HIDDEN = 128  # levels from here up are hidden; lossy codecs blur the two apart


def read_mask_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Yield the frames of a mask video as bool `H W`, True where the picture is hidden: mid-grey (128) and brighter.

    Raises:
        VideoError: as `VideoReader`.
    """
    with VideoReader(path) as reader:
        for frame in reader:
            # Green stands for grey: in a grey picture all three are equal, and in a tinted one it weighs most.
            yield frame.image[..., 1] >= HIDDEN
