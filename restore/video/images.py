"""Image files read as the frames of a video: a folder with one for each frame, or one image that serves them all."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from restore.errors import VideoError
from restore.frame import Frame
from restore.video.files import IMAGE_EXTENSIONS, images_in
from restore.video.image_size import stated_size
from restore.video.limits import refuse_large


@dataclass(frozen=True)
class ImagesInfo:
    """What image files are, in the terms of `VideoInfo`. `frames` is None for one that serves all; none have a rate."""

    width: int
    height: int
    frames: int | None
    rate: None = None


class ImageReader:
    """Open an image, or a folder of them; iterate, once, to get `Frame`s, whose pts count from 0.

    A folder has as many frames as images, in natural order of their names. A single image is every frame: iteration
    does not end (`endless`). `info` is an `ImagesInfo`. With `alpha`, an image that is transparent in parts is read as
    how opaque it is, in grey, and `from_alpha` is True.

    Raises:
        VideoError: there is no image, one cannot be read, or (on the way) they differ in size.
    """

    broken: None = None  # as a VideoReader's: an image is whole or refused

    def __init__(self, path: str | Path, *, alpha: bool = False) -> None:
        self.path = Path(path)
        self._alpha = alpha
        self.from_alpha = False
        self.endless = not self.path.is_dir()
        self._files = [self.path] if self.endless else images_in(self.path)
        if not self._files:
            known = ", ".join(sorted(IMAGE_EXTENSIONS))
            raise VideoError(f"no image in this folder, expected some of {known}; give another folder: {self.path}")
        self._first = self._read(self._files[0])
        height, width, _ = self._first.shape
        self.info = ImagesInfo(width, height, None if self.endless else len(self._files))
        self._frames = self._read_all()

    def _read(self, path: Path) -> np.ndarray:
        opaque = read_alpha(path) if self._alpha else None
        if opaque is None:
            return read_image(path)
        self.from_alpha = True
        return np.repeat(opaque[..., None], 3, -1)

    def __enter__(self) -> "ImageReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is left open between two images."""

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def _read_all(self) -> Iterator[Frame]:
        for index in count() if self.endless else range(len(self._files)):
            image = self._first if index == 0 or self.endless else self._read(self._files[index])
            if image.shape != self._first.shape:
                (height, width, _), path = image.shape, self._files[index]
                expected = f"{self.info.width}x{self.info.height}"
                raise VideoError(f"image is {width}x{height}, the first is {expected}; make all of one size: {path}")
            yield Frame(image, index, Fraction(1))


def read_image(path: Path) -> np.ndarray:
    """An image as uint8 RGB `H W 3`, upright; 16 bits become 8, unless all levels are below 256 (numbers of objects).
    Transparency is left out.

    Raises:
        VideoError: no such file, not a whole image, or one that is too large.
    """
    image = _decoded(path, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH)
    if image.dtype == np.uint16:
        image = image if image.max() < 256 else (image.astype(np.float32) / 257).round()
    return image.astype(np.uint8)


def read_alpha(path: Path) -> np.ndarray | None:
    """How opaque an image is, uint8 `H W`; None if it is so everywhere alike.

    Raises:
        VideoError: no such file, or not a whole image.
    """
    image = _decoded(path, cv2.IMREAD_UNCHANGED)
    if image.ndim < 3 or image.shape[2] != 4 or image[..., 3].min() == image[..., 3].max():
        return None
    alpha = image[..., 3]
    return alpha if alpha.dtype == np.uint8 else (alpha / 257).round().astype(np.uint8)


def _decoded(path: Path, flags: int) -> np.ndarray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VideoError(f"the image cannot be read ({error.strerror}); check the path: {path}") from error
    size = stated_size(data)
    if size:
        refuse_large(*size, path)
    level = cv2.utils.logging.setLogLevel(0)  # the error below names what is wrong with the file
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if size else None
    except cv2.error:  # as of a side of 0
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        raise VideoError(f"not a whole image (PNG, JPEG, BMP, TIFF, WebP); save it again as .png: {path}")
    return np.asarray(image)
