"""Add a copy of a sound or subtitle stream to an output, and ask FFmpeg beforehand whether the container holds it.

PyAV asks a muxer's table of codecs before it adds a stream, and the tables of Matroska and MOV leave out what they
store under the codes of WAV (G.711, ADPCM, WMA). A stream of an accepted codec takes over all parameters of another
through FFmpeg's `null` bitstream filter; the muxer then decides as it does for FFmpeg's own command.
"""

from functools import cache
from io import BytesIO

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.stream import Stream

# FFmpeg's muxer => the extension of files that it writes, in the order in which they are offered.
OFFERED = {"matroska": ".mkv", "mov": ".mov", "mp4": ".mp4", "avi": ".avi"}
CODES_OF_WAV = {"matroska", "mov", "avi"}
NO_TAG = "\0\0\0\0"  # of a codec: the muxer chooses


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """Add a stream to `output` with the parameters of `stream`, for its packets as they are.

    Raises:
        ValueError: the container does not hold such streams.
        FFmpegError: likewise; with some codecs it shows when the header is written.
    """
    try:
        return output.add_stream_from_template(stream, opaque=True)
    except ValueError:
        if stream.type != "audio" or stream.codec_context is None or output.format.name not in CODES_OF_WAV:
            raise
    copy = output.add_stream_from_template(_accepted().streams.audio[0], opaque=True)
    BitStreamFilterContext("null", in_stream=stream, out_stream=copy)
    copy.codec_context.codec_tag = NO_TAG
    copy.time_base = stream.time_base
    return copy


def is_held(stream: Stream, container: str) -> bool:
    """Whether FFmpeg's muxer `container` takes such a stream."""
    try:
        with av.open(BytesIO(), "w", format=container) as output:
            add_copy(output, stream)
            output.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    return True


def holding(stream: Stream) -> list[str]:
    """The extensions of the containers that hold such a stream."""
    return [suffix for container, suffix in OFFERED.items() if is_held(stream, container)]


@cache
def _accepted() -> InputContainer:
    """A sound of a codec that all of `CODES_OF_WAV` accept."""
    file = BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame) + stream.encode(None))
    file.seek(0)
    return av.open(file, "r")
