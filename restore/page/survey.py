"""A look through a whole video: times of its frames, its scenes with a picture of each, damaged places."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restore.page.frame_store import jpeg
from restore.scenes import SceneDetector
from restore.video.clip import count_frames
from restore.video.info import VideoInfo
from restore.video.reader import VideoReader

SMALL = 90  # px, the height of a scene's picture


@dataclass
class Survey:
    """What a video is, frame by frame.

    Attributes:
        info: of the video.
        pts: of each frame, in units of `info.time_base`.
        scenes: the first frame of each.
        pictures: of each scene, a JPEG of its first frame.
        damaged: frames behind which the decoder patched something up.
        broken: where the video breaks, if it does.
        retimed: frames without a usable time.
    """

    info: VideoInfo
    pts: list[int] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    broken: str | None = None
    retimed: int = 0

    @property
    def frames(self) -> int:
        return len(self.pts)

    def seconds(self, frame: int) -> float:
        """When a frame is displayed."""
        return float(self.pts[frame] * self.info.time_base)

    def scene_of(self, frame: int) -> range:
        """The frames of the scene that a frame is in.

        >>> Survey(info=None, pts=list(range(9)), scenes=[0, 4]).scene_of(5)
        range(4, 9)
        """
        begin = max(first for first in self.scenes if first <= frame)
        return range(begin, min([first for first in self.scenes if first > frame], default=self.frames))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "frames": self.frames,
            "width": self.info.width,
            "height": self.info.height,
            "times": [round(self.seconds(frame), 4) for frame in range(self.frames)],
            "scenes": self.scenes,
            "damaged": self.damaged,
            "broken": self.broken,
            "retimed": self.retimed,
        }


def survey(path: Path, forward: Callable[[float], object]) -> Survey:
    """Look through a video; `forward` is called with the share that is done.

    Raises:
        VideoError: it cannot be read.
    """
    total = max(1, count_frames(path))
    scenes, concealed = SceneDetector(), 0
    with VideoReader(path) as reader:
        seen = Survey(reader.info)
        for number, frame in enumerate(reader):
            seen.pts.append(frame.pts)
            if scenes.push(frame) == len(seen.scenes):
                seen.scenes.append(number)
                seen.pictures.append(jpeg(_small(frame.image)))
            if reader.concealed > concealed:
                concealed = reader.concealed
                seen.damaged.append(number)
            forward(number / total)
        seen.broken, seen.retimed = reader.broken, reader.retimed
    return seen


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return cv2.resize(image, (max(1, round(width * SMALL / height)), SMALL), interpolation=cv2.INTER_AREA)
