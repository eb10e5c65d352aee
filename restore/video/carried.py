"""What a frame carries from the input to the output apart from its RGB pixels: duration, captions, flags."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import VideoReformatter

from restore.video.side_data import side_data_of

UNSPECIFIED, UNSTATED = 2, 0  # of H.273: matrix and range of a picture that is RGB
# FFmpeg's name of side data => what it is.
CARRIED = {
    "A53_CC": "the closed captions (ATSC A/53)",
    "AFD": "the active format description",
    "STEREO3D": "which of two stereo views is where",
    "SPHERICAL": "the projection of 360-degree pictures",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
    "DOVI_METADATA": "Dolby Vision metadata",
    "MASTERING_DISPLAY_METADATA": "what the master's display could show (SMPTE ST 2086)",
    "CONTENT_LIGHT_LEVEL": "how bright the pictures are (CTA-861.3)",
    "S12M_TIMECODE": "the timecode of each frame",
}
# What encoders of FFmpeg write into the stream again.
WRITTEN = {
    "libx264": {"A53_CC", "STEREO3D"},
    "libx265": {"A53_CC", "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"},
}


def lost(side_data: Iterable[str], encoder: str) -> list[str]:
    """What of the side data named is not in the output of `encoder`, a phrase each.

    >>> lost(["A53_CC"], "libx264"), lost(["A53_CC"], "mpeg4")
    ([], ['the closed captions (ATSC A/53), which mpeg4 cannot hold'])
    """
    names = set(side_data) & set(CARRIED) - WRITTEN.get(encoder, set())
    return [f"{CARRIED[name]}, which {encoder} cannot hold" for name in sorted(names)]


def side_data_names(frame: av.VideoFrame) -> frozenset[str]:
    """FFmpeg's names of the side data of a frame."""
    return frozenset(side_data_of(frame))


@dataclass(frozen=True, eq=False)
class Carried:
    """What belongs to one frame.

    Attributes:
        duration: how long the frame is displayed, in units of its time base; 0 if unknown.
        side_data: a frame of 2x2 pixels that holds FFmpeg's side data and the flags of interlaced frames; None if there
            is nothing worth carrying.
        deep: uint16 RGB `H W 3`, the picture with more than 8 bits; None if it has no more.
        alpha: uint16 `H W`, 65535 where it is opaque; None if it is so everywhere.
    """

    duration: int = 0
    side_data: av.VideoFrame | None = None
    deep: np.ndarray | None = None
    alpha: np.ndarray | None = None


class SideDataCarrier:
    """Takes side data off decoded frames and puts it onto frames for the encoder.

    PyAV has no call that adds side data to a frame, but FFmpeg copies it from frame to frame wherever one is converted.
    """

    def __init__(self) -> None:
        self._small, self._large = VideoReformatter(), VideoReformatter()

    def take(self, frame: av.VideoFrame) -> av.VideoFrame | None:
        """A 2x2 frame with side data and flags of `frame`; None if it has none of `CARRIED`, and is not interlaced."""
        if not side_data_names(frame) & set(CARRIED) and not frame.interlaced_frame:
            return None
        return self._small.reformat(frame, width=2, height=2, format="gray", threads=1)

    def put(self, small: av.VideoFrame, image: np.ndarray, *, interlaced: bool) -> av.VideoFrame:
        """A frame of the picture `image`, uint8 or uint16 RGB `H W 3`, with the side data that `take` returned.

        Args:
            interlaced: whether its flag stays; otherwise the frame is progressive.
        """
        if small.interlaced_frame and not interlaced:
            small = _progressive(small)
        height, width, _ = image.shape
        pixels = "rgb48le" if image.dtype == np.uint16 else "rgb24"
        frame = self._large.reformat(small, width=width, height=height, format=pixels, threads=1)
        plane = frame.planes[0]
        lines = np.zeros((height, plane.line_size), np.uint8)
        rows = np.ascontiguousarray(image).view(np.uint8).reshape(height, -1)
        lines[:, : rows.shape[1]] = rows
        plane.update(lines.tobytes())
        frame.colorspace, frame.color_range = UNSPECIFIED, UNSTATED
        return frame


def _progressive(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame without its flags; PyAV has no name for them, but a filter of FFmpeg sets them."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    flags, sink = graph.add("setfield", "prog"), graph.add("buffersink")
    source.link_to(flags)
    flags.link_to(sink)
    graph.configure()
    graph.push(frame)
    unflagged = graph.pull()
    assert isinstance(unflagged, av.VideoFrame), "a graph of pictures gives pictures"
    return unflagged
