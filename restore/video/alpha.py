"""Transparency: taken from decoded frames and put onto those for the encoder, level by level, past the restoration.

FFmpeg's conversions shift levels: 255 of 255 becomes 1020 of 1023. Here opaque stays opaque, and every level of 8 bits
comes back from 10.
"""

from dataclasses import dataclass

import numpy as np
from av import VideoFrame
from av.video.format import VideoFormat
from av.video.reformatter import VideoReformatter

OPAQUE = 65535  # what is fully opaque, in 16 bits
PACKED = {"argb": 0, "rgba": 3, "bgra": 3, "abgr": 0, "rgba64le": 3, "rgba64be": 3, "bgra64le": 3, "bgra64be": 3}


@dataclass(frozen=True)
class Layout:
    """Where alpha lies in the pixels of a format.

    Attributes:
        plane: its number.
        dtype: of a level.
        step, offset: in levels; one for each pixel, from the first on.
        most: the level of what is opaque.
    """

    plane: int
    dtype: np.dtype[np.unsignedinteger]
    step: int
    offset: int
    most: int

    @classmethod
    def of(cls, format: VideoFormat) -> "Layout | None":
        """The layout of a format; None where it has no alpha, or one that is not simple."""
        alpha = next((component for component in format.components if component.is_alpha), None)
        if alpha is None:
            return None
        order = ">" if format.name.endswith("be") else "<"
        dtype = np.dtype(f"{order}u{(alpha.bits + 7) // 8}")
        most = (1 << alpha.bits) - 1
        if sum(component.plane == alpha.plane for component in format.components) == 1 and alpha.bits <= 16:
            return cls(alpha.plane, dtype, 1, 0, most)
        return cls(0, dtype, 4, PACKED[format.name], most) if format.name in PACKED else None

    def levels(self, frame: VideoFrame) -> np.ndarray:
        """The levels of a frame's alpha, `H W`; a copy."""
        return self._rows(frame)[:, self.offset : self.offset + self.step * frame.width : self.step].copy()

    def put(self, frame: VideoFrame, levels: np.ndarray) -> None:
        """Replace them."""
        rows = self._rows(frame).copy()
        rows[:, self.offset : self.offset + self.step * frame.width : self.step] = levels
        frame.planes[self.plane].update(rows.tobytes())

    def _rows(self, frame: VideoFrame) -> np.ndarray:
        rows = np.frombuffer(bytes(frame.planes[self.plane]), self.dtype)
        return rows.reshape(-1, frame.planes[self.plane].line_size // rows.itemsize)[: frame.height]


def has_alpha_plane(pix_fmt: str) -> bool:
    """Whether frames of a format have transparency.

    >>> has_alpha_plane("yuva444p12le"), has_alpha_plane("bgra"), has_alpha_plane("bgr0")
    (True, True, False)
    """
    return any(component.is_alpha for component in VideoFormat(pix_fmt).components)


def alpha_of(frame: VideoFrame) -> np.ndarray:
    """How opaque each pixel is, uint16 `H W`, 65535 where it is fully so.

    >>> frame = VideoFrame.from_ndarray(np.full((2, 2, 4), 128, np.uint8), format="rgba")
    >>> int(alpha_of(frame)[0, 0])
    32896
    """
    layout = Layout.of(frame.format)
    if layout is None:
        bits = max(component.bits for component in frame.format.components)
        frame = VideoReformatter().reformat(frame, format="rgba" if bits <= 8 else "rgba64le")
        layout = Layout.of(frame.format)
        assert layout is not None, "RGBA has one"
    levels = layout.levels(frame).astype(np.uint32)
    return ((levels * OPAQUE + layout.most // 2) // layout.most).astype(np.uint16)


def put_alpha(frame: VideoFrame, alpha: np.ndarray | None) -> None:
    """Make a frame as opaque as `alpha`, uint16 `H W`; fully so, if it is None."""
    layout = Layout.of(frame.format)
    assert layout is not None, f"{frame.format.name} is chosen for its alpha"
    levels = np.full((frame.height, frame.width), OPAQUE, np.uint32) if alpha is None else alpha.astype(np.uint32)
    layout.put(frame, (levels * layout.most + OPAQUE // 2) // OPAQUE)
