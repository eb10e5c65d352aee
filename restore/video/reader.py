"""Read a video frame by frame: upright RGB pictures, each with its exact timestamp."""

from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path

import av

from restore.errors import VideoError
from restore.frame import Frame
from restore.video.colours import ToRGB
from restore.video.decoder import Decoder
from restore.video.info import VideoInfo, describe
from restore.video.opening import open_video, picture_stream, reason
from restore.video.timestamps import Timestamps


class VideoReader:
    """Open a video; iterate, once, to get its `Frame`s in presentation order. `info` is its `VideoInfo`.

    `broken` is None or, once the frames have ended before the video does, one line that says why and where. `retimed`
    counts the frames whose timestamp was missing or ran backwards, placed one frame after their predecessor.
    `concealed` counts the frames that the decoder flagged as patched up after damage.

        with VideoReader("clip.mp4") as reader:
            for frame in reader:
                print(frame.image.shape, frame.pts * frame.time_base)

    Raises:
        VideoError: no such file, a folder, an empty file, not a video, no picture in it, or no frame can be decoded.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.broken: str | None = None
        self._container = open_video(self.path)
        try:
            stream = picture_stream(self._container, self.path)
            self._decoder = Decoder(self._container, stream, self.path)
            decoded = iter(self._decoder)
            # The first frame is decoded now: whether there is one, and of which colours, is a question of the input.
            first = self._checked(next(decoded, None))
            self.info: VideoInfo = describe(self._container, stream, first)
            self._timestamps = Timestamps(round(1 / self.info.rate / self.info.time_base))
            self._frames = self._read(chain([first], decoded))
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and end the iteration if it is still going."""
        self._frames.close()
        self._container.close()

    @property
    def retimed(self) -> int:
        """Frames whose timestamp was missing or ran backwards."""
        return self._timestamps.retimed

    @property
    def concealed(self) -> int:
        """Frames that the decoder flagged as patched up after damage."""
        return self._decoder.concealed

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def _checked(self, first: av.VideoFrame | None) -> av.VideoFrame:
        if first is None:
            why = self._decoder.damage or "its video stream is empty"
            raise VideoError(f"no frame can be decoded ({why}); copy the video again: {self.path}")
        try:
            ToRGB()(first)
        except OSError as error:
            raise VideoError(
                f"its pixels ({first.format.name}, matrix {first.colorspace} of H.273) cannot be converted to RGB "
                f"({reason(error)}); convert the video to .mp4: {self.path}"
            ) from error
        return first

    def _read(self, decoded: Iterator[av.VideoFrame]) -> Generator[Frame, None, None]:
        to_rgb = ToRGB()
        count, last = 0, 0.0
        for frame, pts in self._timestamps.assign(decoded, self._decoder.delay):
            yield Frame(to_rgb(frame), pts, self.info.time_base)
            count, last = count + 1, float(pts * self.info.time_base)
        if self._decoder.damage:
            self.broken = f"{self._decoder.damage}; {count} frames could be read, the last at {last:.2f} s"
