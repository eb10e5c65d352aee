"""Read a mask given as a video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from restore.video.reader import VideoReader

HIDDEN = 128  # levels from here up are hidden; lossy codecs blur the two apart


def hidden_pixels(image: np.ndarray) -> np.ndarray:
    """A frame of a mask video, uint8 RGB `H W 3` => bool `H W`, True where the picture is hidden."""
    # Green stands for grey: in a grey picture all three are equal, and in a tinted one it weighs most.
    return np.asarray(image[..., 1] >= HIDDEN)


def read_mask_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Yield the frames of a mask video as bool `H W`, True where the picture is hidden: mid-grey (128) and brighter.

    Raises:
        VideoError: at once, as `VideoReader`.
    """
    return _masks(VideoReader(path))


def _masks(reader: VideoReader) -> Iterator[np.ndarray]:
    with reader:
        for frame in reader:
            yield hidden_pixels(frame.image)
