"""Which files hold a video, by their content: cameras and recorders call them .MTS, .dav, .LRV, or nothing at all."""

from pathlib import Path

import av
from av.stream import Disposition

from restore.video.opening import MAX_PIXELS

# Formats of FFmpeg that are no video of their own: pictures, text, and lists of other files.
NO_VIDEO = {"image2", "ico", "tty", "hls", "dash", "concat", "sdp", "imf"}


def holds_video(path: Path) -> bool:
    """Whether FFmpeg recognises the file by its content, and moving pictures are in it."""
    try:
        # Absolute, or FFmpeg takes `a:b` for a protocol; a list of files must not be followed.
        with av.open(
            str(path.absolute()), metadata_errors="replace", options=MAX_PIXELS | {"protocol_whitelist": "file"}
        ) as file:
            name = file.format.name
            if name in NO_VIDEO or name.endswith("_pipe"):
                return False
            return any(
                Disposition.attached_pic not in stream.disposition and stream.codec_context is not None
                for stream in file.streams.video
            )
    except (av.FFmpegError, OSError, ValueError):
        return False
