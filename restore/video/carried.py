"""What a frame carries from the input to the output apart from its RGB pixels: duration, captions, flags."""

from dataclasses import dataclass

import av
from av.video.reformatter import VideoReformatter

# What encoders write into the stream again: closed captions (ATSC A/53), the active format, stereo views.
CARRIED = {"A53_CC", "AFD", "STEREO3D"}


@dataclass(frozen=True, eq=False)
class Carried:
    """What belongs to one frame.

    Attributes:
        duration: how long the frame is shown, in units of its time base; 0 if unknown.
        side_data: a frame of 2x2 pixels that holds FFmpeg's side data; None if there is none worth carrying.
    """

    duration: int = 0
    side_data: av.VideoFrame | None = None


class SideDataCarrier:
    """Takes side data off decoded frames and puts it onto frames for the encoder.

    PyAV has no call that adds side data to a frame, but FFmpeg copies it from frame to frame wherever one is converted.
    """

    def __init__(self) -> None:
        self._small, self._large = VideoReformatter(), VideoReformatter()

    def take(self, frame: av.VideoFrame) -> av.VideoFrame | None:
        """A 2x2 frame with the side data of `frame`, or None if it has none of `CARRIED`."""
        if not any(side_data.type.name in CARRIED for side_data in frame.side_data):  # type: ignore[attr-defined]
            return None
        return self._small.reformat(frame, width=2, height=2, format="gray", threads=1)

    def put(self, small: av.VideoFrame, frame: av.VideoFrame) -> av.VideoFrame:
        """A copy of `frame`, planar or packed 8-bit, with the side data that `take` returned."""
        copy = self._large.reformat(small, width=frame.width, height=frame.height, format=frame.format.name, threads=1)
        for plane, source in zip(copy.planes, frame.planes, strict=True):
            assert plane.line_size == source.line_size, "frames of one size and format are laid out alike"
            plane.update(bytes(source))
        copy.colorspace, copy.color_range = frame.colorspace, frame.color_range
        return copy
