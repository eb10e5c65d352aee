"""Read a video frame by frame: upright RGB pictures, each with its exact timestamp."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av

from restore.errors import VideoError
from restore.frame import Frame
from restore.video.alpha import has_alpha_plane
from restore.video.carried import Carried, SideDataCarrier
from restore.video.colours import ToRGB
from restore.video.cropping import WHOLE
from restore.video.decoder import Decoder
from restore.video.deinterlace import deinterlaced
from restore.video.info import RAW, VideoInfo, bobbed, describe
from restore.video.opening import container_cropping, open_video, picture_stream, reason
from restore.video.place import Place
from restore.video.timestamps import Timestamps
from restore.video.working_space import WorkingSpace


class VideoReader:
    """Open a video; iterate, once, to get its `Frame`s in presentation order. `info` is its `VideoInfo`.

    Where the picture changes its size, the video is read in parts: this is number `part`, counted from 0. Its times
    begin at 0, but for the first one's. `following` is the place in the file where the next begins, once the frames
    have ended, or None.

    `broken` is None or, once the frames have ended before the video does, one line that says why and where. `retimed`
    counts the frames whose timestamp was missing or ran backwards, placed one frame after their predecessor.
    `concealed` counts the frames that the decoder flagged as patched up after damage. `seams` holds the times, in
    seconds, of the first frames of recordings that were joined to the first. `rate`, in frames a second, is for raw
    streams, which may state none. With `top_first`, an interlaced video is read as a progressive one of twice the rate,
    and it says which field of a frame is first.

        with VideoReader("clip.mp4") as reader:
            for frame in reader:
                print(frame.image.shape, frame.pts * frame.time_base)

    Raises:
        VideoError: no such file, a folder, an empty file, not a video, no picture in it, or no frame can be decoded.
    """

    def __init__(
        self, path: str | Path, *, rate: Fraction | None = None, top_first: bool | None = None, part: int = 0
    ) -> None:
        self.path = Path(path)
        self.broken: str | None = None
        self.seams: list[Fraction] = []
        self._container = open_video(self.path)
        try:
            stream = picture_stream(self._container, self.path)
            self._decoder = Decoder(self._container, stream, self.path, part)
            decoded = iter(self._decoder)
            # The first frame is decoded now: whether there is one, and of which colours, is a question of the input.
            first = self._checked(next(decoded, None))
            cropping = container_cropping(self._container, stream, self.path)
            if not cropping.fits(first.width, first.height):
                cropping = WHOLE
            if first.interlaced_frame:  # without an odd line the fields would change places, or differ in size
                even = cropping.top // 2 * 2, cropping.bottom // 2 * 2
                cropping = replace(cropping, top=even[0], bottom=even[1])
            if rate and self._container.format.name not in RAW:
                raise VideoError(
                    f"got a rate of {rate} for a video that states its times ({self._container.format.name}); "
                    f"leave it out: {self.path}"
                )
            self.info: VideoInfo = describe(self._container, stream, first, cropping, rate)
            self._offset = (first.pts or 0) if part else 0
            if part:
                origin = self._offset * self.info.time_base
                self.info = replace(self.info, begins=self._decoder.begins, origin=origin, frames=None)
            self._timestamps = Timestamps.of(self.info)
            self._top_first = top_first
            if top_first is not None:
                self.info = bobbed(self.info)
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
    def following(self) -> Place | None:
        """Where in the file the next part begins."""
        return self._decoder.following

    @property
    def retimed(self) -> int:
        """Frames whose timestamp was missing or ran backwards."""
        return self._timestamps.retimed

    @property
    def concealed(self) -> int:
        """Frames that the decoder flagged as patched up after damage."""
        # Where recordings were joined, a packet is flagged that lacks nothing.
        return self._decoder.concealed + max(0, self._decoder.incomplete - len(self.info.moves))

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def _is_first_of_joined(self, picture: av.VideoFrame, pts: int, joined: int) -> bool:
        moves = self.info.moves
        if joined == len(moves) or picture.pts is None:
            return False
        return pts + self._offset == picture.pts + moves[joined]

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
        to_rgb, carrier = ToRGB(self.info.cropping), SideDataCarrier()
        space = WorkingSpace(self.info.color_trc)
        transparent = self.info.alpha and has_alpha_plane(self.info.pix_fmt)
        joined = len(self.info.moves)
        step = self._timestamps.step
        count, time = 0, Fraction(0)
        waiting: tuple[av.VideoFrame, int] | None = None

        def frame(duration: int) -> Frame:
            assert waiting is not None
            picture, pts = waiting
            deep = to_rgb.deep(picture) if self.info.bits > 8 or not space.is_video else None
            image = to_rgb(picture) if deep is None else space.to_models(deep)
            alpha = to_rgb.alpha(picture) if transparent else None
            carried = Carried(duration, carrier.take(picture), deep, alpha)
            return Frame(image, pts, self.info.time_base, carried=carried)

        pictures = self._timestamps.assign(decoded, self._decoder.delay + self._offset)
        if self._top_first is not None:
            pictures = deinterlaced(pictures, 2 * self.info.time_base, top_first=self._top_first)
        for picture, pts in pictures:
            if waiting:
                yield frame(pts - waiting[1])
            waiting = picture, pts
            if self._is_first_of_joined(picture, pts, joined):
                joined += 1
                self.seams.append(pts * self.info.time_base)
            count, time = count + 1, pts * self.info.time_base
        if waiting:
            end = self._decoder.stated_end()
            last = round((end - time) / self.info.time_base) if end else 0
            yield frame(last if last > 0 else waiting[0].duration or step)
        if self._decoder.damage:
            self.broken = f"{self._decoder.damage}; {count} frames could be read, the last at {float(time):.2f} s"
