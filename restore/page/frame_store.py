"""Frames of a video by number. It is decoded from its begin, as the restorer does, so that numbers mean the same."""

import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from restore.frame import Frame
from restore.page.folder import NotHere
from restore.video.reader import VideoReader

HELD = 200e6  # bytes of pictures that are kept
PNG_LEVEL = 1  # of 9: a third larger than at 9, in a tenth of the time


class FrameStore:
    """Frames of one video; a frame behind the last one that was read is decoded on to, one before it read anew, unless
    it is still held.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._reader: VideoReader | None = None
        self._next = 0
        self._held: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0.0

    def close(self) -> None:
        with self._lock:
            self._end()
            self._held.clear()

    def frame(self, number: int) -> Frame:
        """A record of its own, with nothing but the picture and its time.

        Raises:
            NotHere: the video is shorter.
            VideoError: it cannot be read.
        """
        with self._lock:
            if number not in self._held:
                self._read_to(number)
            held = self._held[number]
            self._held.move_to_end(number)
            return Frame(held.image, held.pts, held.time_base)

    def _read_to(self, number: int) -> None:
        if self._reader is None or number < self._next:
            self._end()
            self._reader, self._next = VideoReader(self.path), 0
        for frame in self._reader:
            self._hold(self._next, Frame(frame.image, frame.pts, frame.time_base))
            self._next += 1
            if self._next > number:
                return
        frames, self._next = self._next, 0
        self._end()
        raise NotHere(f"no frame {number}, the video has {frames}: {self.path.name}")

    def _hold(self, number: int, frame: Frame) -> None:
        self._held[number] = frame
        self._bytes += frame.image.nbytes
        while self._bytes > HELD and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].image.nbytes

    def _end(self) -> None:
        if self._reader:
            self._reader.close()
        self._reader = None


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 `H W 3` in RGB or `H W`, as a PNG."""
    return _encoded(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])


def jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    """Likewise, as a JPEG: for what is played, and for small pictures."""
    return _encoded(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def unpng(data: bytes) -> np.ndarray | None:
    """A PNG's first channel, uint8 or uint16 `H W`; None if it is none."""
    array = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(array, cv2.IMREAD_UNCHANGED) if array.size else None
    if image is None:
        return None
    # A browser's canvas: what is drawn is opaque.
    return np.ascontiguousarray(image[..., -1]) if image.ndim == 3 else np.asarray(image)


def _encoded(kind: str, picture: np.ndarray, options: list[int]) -> bytes:
    image = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return bytes(cv2.imencode(kind, image, options)[1])
