"""A few consecutive frames from somewhere in a video, for training: the pictures alone, without their times. How many
a video has."""

from pathlib import Path

import av
import numpy as np

from restore.errors import VideoError
from restore.video.colours import ToRGB
from restore.video.opening import READING, picture_stream


def read_clip(path: str | Path, start: int, count: int) -> np.ndarray:
    """Frames `start` .. `start + count` of a video, or as many as there are: uint8 `T H W 3`, RGB, upright,
    T >= 0.

    Raises:
        VideoError: the file cannot be opened or decoded.
    """
    frames: list[np.ndarray] = []
    to_rgb = ToRGB()
    try:
        with av.open(str(path), **READING) as container:
            stream = picture_stream(container, Path(path))
            stream.thread_type = "SLICE"  # workers are processes already; frame threads would only add delay
            for index, frame in enumerate(container.decode(stream)):
                if index >= start + count:
                    break
                if index >= start:  # converting to RGB costs more than decoding does
                    frames.append(to_rgb(frame))
    except (av.FFmpegError, IndexError, OSError) as error:
        raise VideoError(f"cannot be read as a video ({error}): {path}") from error
    if len({frame.shape for frame in frames}) > 1:
        raise VideoError(f"frames change size on the way: {path}")
    return np.stack(frames) if frames else np.empty((0, 0, 0, 3), np.uint8)


def stated_frames(path: str | Path) -> int | None:
    """How many frames a video has by its header alone, at least about: nothing behind it is read. None if that states
    neither their number nor how long they last, or the file cannot be opened.
    """
    try:
        with av.open(str(path), **READING) as container:
            stream = container.streams.video[0]
            if stream.frames:
                return stream.frames
            if container.duration and stream.average_rate:
                return round(container.duration / av.time_base * stream.average_rate) or None
    except (av.FFmpegError, IndexError, OSError):  # when its turn comes it is said what is wrong with it
        pass
    return None


def count_packets(path: str | Path) -> int:
    """How many packets with something in them the first video stream of a file has.

    Raises:
        FFmpegError: the file cannot be opened.
    """
    with av.open(str(path), **READING) as container:
        return sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))


def count_frames(path: str | Path) -> int:
    """How many frames a video holds: what its container states, else what its packets say.

    Raises:
        VideoError: the file cannot be opened, or holds no picture.
    """
    try:
        with av.open(str(path), **READING) as container:
            stream = container.streams.video[0]
            return stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    except (av.FFmpegError, IndexError, OSError) as error:
        raise VideoError(f"cannot be read as a video ({error}): {path}") from error
