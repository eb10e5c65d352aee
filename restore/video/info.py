"""What a video is: size, rate, colours, streams."""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from restore.video.carried import side_data_names
from restore.video.colours import display_matrix, is_transposed
from restore.video.cropping import WHOLE, Cropping
from restore.video.depth import bits_of
from restore.video.mastering import x265_params

if TYPE_CHECKING:
    from restore.video.place import Place


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
    side_data: frozenset[str] = frozenset()  # FFmpeg's names of what the first frame carries apart from its pixels
    alpha: bool = False  # whether it is transparent in parts
    bits: int = 8  # of a colour
    mastering: tuple[str, ...] = ()  # x265's parameters for the master's display and brightness
    interlaced: bool = False  # whether its frames are flagged as two fields
    cropping: Cropping = WHOLE  # of the decoded frames, before rotation; the reader has applied it
    begins: "Place | None" = None  # where in the file, if not with it
    ends: "Place | None" = None  # likewise, of a piece of a video
    origin: Fraction = Fraction(0)  # seconds in the file's clock, which are 0 in the reader's
    # Where recordings were joined, what the reader adds to the pts of the second, the third, ...; filled as it reads.
    moves: list[int] = field(default_factory=list, compare=False)


# Raw streams: their times are made up by FFmpeg, for 25 frames a second.
RAW = {"h264", "hevc", "vvc", "av1", "obu", "mpegvideo", "m4v", "mjpeg", "h263", "h261", "cavsvideo", "dirac", "vc1"}
JOINABLE = {"mpegts", "mpeg"}  # files of these can be joined byte by byte, and go on after damage
OPAQUE = 255
FASTEST = 240  # frames a second that no container states by mistake
AGREEING = Fraction(1, 20)  # by which an average may differ from frames over duration


def average_rate(stream: VideoStream) -> Fraction:
    """Frames per second: the average if the container knows it, else what the first packets look like."""
    # 25 is only a hint for the encoder's rate control: every frame keeps its own timestamp.
    average = stream.average_rate or stream.guessed_rate or Fraction(25)
    if stream.container.format.name in RAW:
        return stream.codec_context.framerate or stream.guessed_rate or average
    if "mp4" in stream.container.format.name and stream.frames > 1 and stream.duration and stream.time_base:
        # FFmpeg's average of a variable rate with B frames may be twice the true one.
        counted = stream.frames / (stream.duration * stream.time_base)
        if abs(average / counted - 1) > AGREEING:
            return counted.limit_denominator(1001)
    return average


def has_alpha(stream: VideoStream, frame: av.VideoFrame) -> bool:
    """Whether pictures carry transparency: in their own pixels, or, as VP8 and VP9 have it, in a second picture."""
    if any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items()):
        return True
    if not any(component.is_alpha for component in frame.format.components):
        return False
    # All GIFs are decoded with transparency, and few have any.
    return stream.codec_context.name != "gif" or bool(frame.to_ndarray(format="rgba")[..., 3].min() < OPAQUE)


def exact_rate(rate: float | None) -> Fraction | None:
    """A rate as people write it, as the fraction that is meant.

    >>> exact_rate(29.97), exact_rate(12.5), exact_rate(23.976)
    (Fraction(30000, 1001), Fraction(25, 2), Fraction(24000, 1001))
    """
    if rate is None:
        return None
    ntsc = Fraction(round(rate) * 1000, 1001)
    return ntsc if abs(ntsc - Fraction(rate)) < Fraction(1, 200) else Fraction(rate).limit_denominator(1001)


def bobbed(info: VideoInfo) -> VideoInfo:
    """What an interlaced video is once each of its fields has become a progressive frame."""
    frames = info.frames and 2 * info.frames
    return replace(info, rate=info.rate * 2, time_base=info.time_base / 2, frames=frames, interlaced=False)


def _plausible_rate(stream: VideoStream, frame: av.VideoFrame) -> Fraction:
    """The average rate, unless the first frame is displayed for longer: DV in AVI of type 1 states its clock's rate."""
    rate = average_rate(stream)
    if rate > FASTEST and frame.duration and stream.time_base:
        return min(rate, 1 / (frame.duration * stream.time_base))
    return rate


def stated_end(container: InputContainer, stream: Stream) -> Fraction | None:
    """When a stream ends, in seconds, as its container states it; None if it does not.

    The durations that FFmpeg gives with packets are no help: of an MP4 they follow the order of decoding, and in
    Matroska few blocks have one.
    """
    if "mp4" in container.format.name and stream.duration and stream.time_base:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))  # FFmpeg's, in Matroska
    if tag:
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    alone = len(container.streams) == 1
    if alone and container.format.name == "matroska,webm" and container.duration:
        return Fraction(container.duration, av.time_base)
    return None


def describe(
    container: InputContainer,
    stream: VideoStream,
    frame: av.VideoFrame,
    cropping: Cropping,
    rate: Fraction | None = None,
) -> VideoInfo:
    """Gather the info of a stream, trusting its first decoded frame over the container's header.

    Args:
        rate: what counts in place of the rate of a raw stream.
    """
    matrix = display_matrix(frame)
    width, height = cropping.of(frame.width, frame.height)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if is_transposed(matrix):
        width, height, aspect = height, width, 1 / aspect
    assert stream.time_base is not None, "an opened stream has a time base"
    return VideoInfo(
        width=width,
        height=height,
        rate=rate or _plausible_rate(stream, frame),
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
        side_data=side_data_names(frame),
        alpha=has_alpha(stream, frame),
        bits=bits_of(frame),
        mastering=tuple(x265_params(frame)),
        interlaced=frame.interlaced_frame and not is_transposed(matrix) and height % 2 == 0,
        cropping=cropping,
    )
