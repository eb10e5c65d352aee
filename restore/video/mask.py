"""What a frame of a mask means: white is hidden, black is kept, and so is any other colour hidden.

Grey is hidden from half of the brightness on. Where a mask holds the numbers of objects (0, 1, 2, ...), as annotation
tools write them, all but 0 are hidden.
"""

from itertools import islice
from pathlib import Path

import numpy as np

from restore.video.files import is_image
from restore.video.images import ImageReader
from restore.video.reader import VideoReader

HIDDEN = 128  # levels from here up are hidden; lossy codecs blur the two apart
DARK, BRIGHT = 64, 192  # what lies between is grey; lossy codecs leave less than GREY of it, along edges
GREY = 0.02
COLOUR = 48  # by which the channels of a colour differ at least; lossy codecs tint grey by less
LABELS = 32  # a mask without loss whose levels all are below holds numbers of objects
# Codecs without loss.
EXACT = {"ffv1", "png", "apng", "qtrle", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "gif", "bmp"}


def hidden_pixels(image: np.ndarray, threshold: int = HIDDEN) -> np.ndarray:
    """A frame of a mask, uint8 RGB `H W 3` => bool `H W`, True where the picture is hidden: bright, or coloured."""
    brightest, difference = levels(image)
    return np.asarray((brightest >= threshold) | (difference >= COLOUR))


def levels(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How bright a mask is and by how much its channels differ, uint8 `H W` each."""
    red, green, blue = (image[..., channel] for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    return brightest, brightest - np.minimum(np.minimum(red, green), blue)


def open_mask(path: Path) -> VideoReader | ImageReader:
    """A mask: a video, an image that serves all frames, or a folder with an image for each.

    Raises:
        VideoError: it cannot be read.
    """
    return ImageReader(path, alpha=True) if path.is_dir() or is_image(path) else VideoReader(path)


class MaskCheck:
    """Looks at the frames of a mask for what may not be meant: `warnings` says it. `threshold` hides a pixel."""

    def __init__(self, threshold: int = HIDDEN) -> None:
        self.threshold = threshold
        self._darkest, self._brightest = 255, 0
        self._frames, self._hiding, self._hidden = 0, 0, 0.0
        self._grey = self._coloured = 0.0
        self._from_alpha = self._endless = False

    @classmethod
    def of(cls, path: Path) -> "MaskCheck":
        """Look through a whole mask, before the work.

        Raises:
            VideoError: it cannot be read.
        """
        check = cls()
        exact = check._look_through(path)
        if exact and 0 < check._brightest < LABELS:
            check = cls(threshold=1)
            check._look_through(path)
        return check

    @property
    def frames(self) -> int | None:
        """How many were looked at; None for an image that serves all."""
        return None if self._endless else self._frames

    def _look_through(self, path: Path) -> bool:
        """Take all frames of a mask into account => whether their levels are exact."""
        with open_mask(path) as reader:
            if isinstance(reader, VideoReader):
                for frame in reader:
                    self.look_at(frame.image)
                return reader.info.codec in EXACT
            for frame in islice(reader, 1) if reader.endless else reader:
                self.look_at(frame.image)
            self._from_alpha, self._endless = reader.from_alpha, reader.endless
            return True

    def look_at(self, image: np.ndarray) -> None:
        """Take a frame, uint8 RGB `H W 3`, into account."""
        brightest, difference = levels(image)
        coloured = difference >= COLOUR
        hidden = (brightest >= self.threshold) | coloured
        share = float(hidden.mean())
        self._darkest = min(self._darkest, int(brightest.min()))
        self._brightest = max(self._brightest, int(brightest.max()))
        self._coloured += float(coloured.mean())
        grey = brightest - np.uint8(DARK) < BRIGHT - DARK  # wraps round: one comparison for two
        self._grey += float((grey & ~coloured).mean())
        self._frames += 1
        self._hiding += share > 0
        self._hidden += share

    def hidden_pixels(self, image: np.ndarray) -> np.ndarray:
        """As `hidden_pixels`, by `threshold`."""
        return hidden_pixels(image, self.threshold)

    def warnings(self) -> list[str]:
        """What may not be meant, and by which rule a mask that is not black and white is read, a line each."""
        if not self._frames:
            return []
        rule = f"a pixel is hidden from level {HIDDEN} of 255 on"
        share = self._hidden / self._frames
        lines = []
        if self._from_alpha:
            lines.append("the mask is taken from the transparency of its images: what is opaque is hidden")
        if self.threshold == 1:
            lines.append(
                f"the mask holds numbers from 0 to {self._brightest}: all but 0 are hidden, {share:.1%} in all"
            )
        if self._coloured > GREY / 10 * self._frames:
            lines.append(f"the mask is coloured: every colour but black is hidden, {share:.1%} in all")
        if not self._hiding:
            lines.append(f"the mask hides nothing in any frame: its brightest level is {self._brightest}, and {rule}")
        if share == 1:
            lines.append(f"the mask hides everything in all frames: its darkest level is {self._darkest}, and {rule}")
        if self._grey > GREY * self._frames and self.threshold == HIDDEN:
            lines.append(f"{self._grey / self._frames:.1%} of the mask is neither black nor white, but grey; {rule}")
        return lines

    def summary(self) -> str:
        """What the mask hides, in one line."""
        share = self._hidden / max(1, self._frames)
        return f"the mask hides {share:.1%} of all pixels, and something in {self._hiding} of {self._frames} frames"
