"""Open a video file, or say in one line what is wrong with it."""

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from restore.errors import VideoError
from restore.video import avi, matroska, mp4
from restore.video.cropping import WHOLE, Cropping
from restore.video.encryption import is_encrypted
from restore.video.limits import PIXELS, refuse_large
from restore.video.truncation import bytes_missing

MAX_PIXELS = {"max_pixels": str(PIXELS)}  # to FFmpeg's decoders: larger pictures are errors, and not allocated
READING: dict[str, Any] = {"options": MAX_PIXELS, "metadata_errors": "replace"}  # of every file that is not our own


def open_video(path: Path) -> InputContainer:
    """Open the container at `path` for reading.

    Raises:
        VideoError: no such file, a folder, an empty or encrypted file, or nothing that FFmpeg can read.
    """
    if path.is_dir():
        raise VideoError(f"got a folder where one video was expected; give the path of a file: {path}")
    if not path.exists():
        raise VideoError(f"no such video; check the path: {path}")
    try:
        if path.stat().st_size == 0:
            raise VideoError(f"the file is empty (0 bytes), expected a video; copy it again: {path}")
        if is_encrypted(path):
            raise VideoError(f"the video is encrypted, and there is no key to it; decrypt it first: {path}")
        # Absolute, or FFmpeg takes `a:b.mp4` for the protocol `a`.
        return av.open(str(path.absolute()), **READING)
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, PermissionError):
            raise VideoError(f"the video may not be read; give read permission: {path}") from error
        missing = bytes_missing(path)
        if missing:
            raise VideoError(
                f"the file is cut short: {missing} bytes are missing, its index among them; copy it again: {path}"
            ) from error
        raise VideoError(f"not a video that FFmpeg can read ({reason(error)}); convert it to .mp4: {path}") from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is not a cover picture.

    Raises:
        VideoError: there is none, FFmpeg has no decoder for it, or its pictures are too large.
    """
    for stream in container.streams.video:
        if Disposition.attached_pic not in stream.disposition:
            if stream.codec_context is None:
                raise VideoError(f"the codec of the video stream is unknown to FFmpeg; convert it to .mp4: {path}")
            refuse_large(*_stated_size(container, stream, path), path)
            stream.codec_context.options |= MAX_PIXELS
            return stream
    if container.streams.video:
        raise VideoError(f"no video in it but a cover picture; give a file with moving pictures: {path}")
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "no streams"
    raise VideoError(f"no video stream in it (got: {kinds}); give a file with moving pictures: {path}")


def _stated_size(container: InputContainer, stream: VideoStream, path: Path) -> tuple[int, int]:
    """Width and height as FFmpeg found them, or, where they were too large for it, as the container states them."""
    if stream.codec_context.width and stream.codec_context.height:
        return stream.codec_context.width, stream.codec_context.height
    if "mp4" in container.format.name:
        return mp4.stated_size(path, stream.id)
    if container.format.name == "matroska,webm":
        return matroska.stated_size(path)
    return avi.stated_size(path) if container.format.name == "avi" else (0, 0)


def container_cropping(container: InputContainer, stream: VideoStream, path: Path) -> Cropping:
    """What the container crops of the pictures of a stream."""
    if "mp4" in container.format.name:
        return mp4.stated_cropping(path, stream.id)
    if container.format.name == "matroska,webm":
        return matroska.stated_cropping(path)
    return WHOLE


def reason(error: Exception) -> str:
    """FFmpeg's own words for an error, without its numbers and function names."""
    return getattr(error, "strerror", None) or str(error)
