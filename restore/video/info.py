"""What a video is: size, rate, colours, streams."""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from restore.video.colours import display_matrix, is_transposed


@dataclass(frozen=True)
class VideoInfo:
    """What a video is. The colour fields are codes of ISO/IEC 23091-2 (H.273): 2 (range: 0) if not stated."""

    width: int  # as displayed, after rotation
    height: int
    rate: Fraction  # average, frames per second
    time_base: Fraction  # seconds per unit of pts
    frames: int | None  # as stated by the container, if it states it
    codec: str
    pix_fmt: str
    rotation: int  # degrees counter-clockwise; the reader has applied it to the frames
    container: str  # FFmpeg's name of the format: "avi", "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
    has_audio: bool
    has_subtitles: bool
    color_range: int  # 1 limited, 2 full
    colorspace: int  # the YUV matrix; 1 BT.709, 5 and 6 BT.601
    color_primaries: int
    color_trc: int  # transfer characteristic
    sample_aspect_ratio: Fraction  # width : height of a pixel as displayed; 1 if unknown
    bit_rate: int | None  # of the video stream, bits per second


def average_rate(stream: VideoStream) -> Fraction:
    """Frames per second: the average if the container knows it, else what the first packets look like."""
    # 25 is only a hint for the encoder's rate control: every frame keeps its own timestamp.
    return stream.average_rate or stream.guessed_rate or Fraction(25)


def describe(container: InputContainer, stream: VideoStream, frame: av.VideoFrame) -> VideoInfo:
    """Gather the info of a stream, trusting its first decoded frame over the container's header."""
    matrix = display_matrix(frame)
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if is_transposed(matrix):
        width, height, aspect = height, width, 1 / aspect
    assert stream.time_base is not None, "an opened stream has a time base"
    return VideoInfo(
        width=width,
        height=height,
        rate=average_rate(stream),
        time_base=stream.time_base,
        frames=stream.frames or None,
        codec=stream.codec_context.name,
        pix_fmt=frame.format.name,
        rotation=frame.rotation,
        container=container.format.name,
        has_audio=bool(container.streams.audio),
        has_subtitles=bool(container.streams.subtitles),
        color_range=frame.color_range,
        colorspace=frame.colorspace,
        color_primaries=frame.color_primaries,
        color_trc=frame.color_trc,
        sample_aspect_ratio=aspect,
        bit_rate=stream.bit_rate or None,
    )
