"""Write restored frames with the sound and subtitles of the input; under the final name only once the file is whole."""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet

from restore.errors import RestoreError, VideoError
from restore.video import matroska, mp4
from restore.video.carried import Carried, lost, side_data_names
from restore.video.clip import count_packets
from restore.video.coded import Coded, CodedFiles, read_coded
from restore.video.encoders import FORMATS, GREY, checked_encoder, fitting, lost_colours, notes, padding, slot
from restore.video.files import shortened
from restore.video.info import VideoInfo
from restore.video.opening import reason
from restore.video.output_frames import OutputFrames
from restore.video.passthrough import Passthrough
from restore.video.picture_encoder import PictureEncoder
from restore.video.place import Place

# What FFmpeg's muxers say of a packet that they do not take; a full disk is another error.
REFUSED = av.InvalidDataError, av.ArgumentError, av.error.PatchWelcomeError
MOST_SKIPPED = 60000  # slots without a picture, which FFmpeg fills in an AVI


class VideoWriter:
    """Open `path` for writing frames of the size, rate and colours of `info`; use as a context manager.

    The frames go to a hidden file in the same folder, which takes its final name when the block ends. When an exception
    leaves the block, the hidden file is deleted and nothing is left. Every frame keeps its timestamp as far as the
    container can: Matroska and WebM round to 1 ms, AVI has frame slots only. `left_out` says what of `source` is not in
    the output as it was: data streams, further pictures, damaged sound and what is beyond it.

    Args:
        path: the file to write; its extension chooses the container and the encoder (`encoders.py`).
        info: the input's info, as `VideoReader.info`; its `rotation` is taken as applied.
        time_base: seconds per unit of the pts given to `write`; by default the input's.
        source: the video whose sound and subtitles are copied, packet by packet; None for a silent output.
        lossless: FFV1 in RGB, into `.mkv`; gives back every frame bit by bit.
        grey: the same in grey, for pictures uint8 `H W`: masks, or codes.
        quality: on the encoder's scale, lower is better: H.264 0-51 (default 16), MPEG-4 1-31 (1), VP9 0-63 (20).
        overwrite: replace `path` if it exists.
        folder: where the hidden file lies, on the disk of `path`; by default in its folder.
        files: what is coded is written to these files, too, for `resume`.
        copies: coded pictures are copied, too, so that what is encoded states its parameters in the stream.

    Raises:
        VideoError: before any work, if `path` exists, its folder cannot be written, its extension is unknown, `quality`
            is off the scale, or a sound or subtitle stream of `source` does not fit into the container.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        info: VideoInfo,
        time_base: Fraction | None = None,
        source: str | Path | None = None,
        lossless: bool = False,
        grey: bool = False,
        quality: int | None = None,
        overwrite: bool = False,
        folder: Path | None = None,
        files: CodedFiles | None = None,
        copies: bool = False,
    ) -> None:
        self.path = Path(path)
        self._files = files
        encoder = checked_encoder(self.path, lossless or grey, quality, overwrite)
        suffix = self.path.suffix.lower()
        encoder = GREY if grey else fitting(encoder, info, quality, suffix) if source is not None else encoder
        self._frames, self._grey = OutputFrames(encoder, info, grey=grey), grey
        self._time_base = time_base or info.time_base
        self._encoder_name = encoder.name
        self._lost: list[str] = []
        self._notes = notes(encoder, info)
        if source is not None:
            self._note_lost(info.side_data)
            self._lost += lost_colours(encoder, info)
            if info.alpha and not self._frames.transparent:
                self._lost.append("the transparency (alpha channel): the picture is opaque")
        self._shape, self._cropping = info.sample_aspect_ratio, padding(encoder, info)
        self._slot = slot(encoder, info, self._time_base)
        self._last: int | None = None
        self._pictures = 0
        self._refused: str | None = None  # what FFmpeg says of packets that were copied and it does not store
        self._passthrough: Passthrough | None = None
        hidden = f".{shortened(self.path.stem)}.{secrets.token_hex(4)}{self.path.suffix}"
        self._temporary = (folder or self.path.parent) / hidden
        self._container = _create(self._temporary, self.path)
        try:
            self._encoder = PictureEncoder(self._container, encoder, info, self._slot, quality, in_band=copies)
            if source is not None:
                self._passthrough = Passthrough(Path(source), self._container, self.path, info, self._put)
                self._encoder.stream.metadata.update(self._passthrough.picture_tags)
                self._encoder.stream.disposition = self._passthrough.picture_disposition
            # The header is written now, while nothing is lost if FFmpeg refuses it.
            self._container.start_encoding()
        except BaseException as error:
            self._discard()
            if isinstance(error, av.FFmpegError) and isinstance(error, OSError):
                raise RestoreError(f"writing stopped ({reason(error)}); make room: {self.path}") from error
            if isinstance(error, av.FFmpegError):
                kind = self.path.suffix
                mend = "write .mkv instead" if kind != ".mkv" else "convert the input first"
                raise VideoError(
                    f"FFmpeg cannot store these streams in {kind} ({reason(error)}); {mend}: {self.path}"
                ) from error
            raise

    @property
    def left_out(self) -> list[str]:
        """What of the source is not in the output as it was, one line each."""
        refused = [f"damaged packets of sound or subtitles ({self._refused})"] if self._refused else []
        return self._lost + refused + (self._passthrough.left_out if self._passthrough else [])

    @property
    def notes(self) -> list[str]:
        """What a person may not expect of the output, one line each; known before the work."""
        return self._notes

    def write(self, image: np.ndarray, pts: int, carried: Carried | None = None) -> None:
        """Append one picture, uint8 RGB `H W 3` or grey `H W`, displayed at `pts * time_base` seconds, after the last.

        `carried` is what the reader's frame has apart from its pixels; how long the last picture is displayed is in it.

        Raises:
            ValueError: another size or type, or a pts that does not move forward.
            VideoError: the container is AVI, and the time is not on its grid of frames, or far behind the last.
            RestoreError: the disk is full, or the encoder failed.
        """
        if image.shape != self._frames.size or image.dtype != np.uint8:
            raise ValueError(f"got a picture {image.shape} {image.dtype}, expected {self._frames.size} uint8")
        if self._last is not None and pts <= self._last:
            raise ValueError(f"got pts {pts} after {self._last}, expected it to move forward")
        time = pts * self._time_base / self._slot
        if time.denominator != 1:
            raise VideoError(
                f"a frame at {float(pts * self._time_base):.4f} s is off the grid of {1 / self._slot} frames a second, "
                f"all that {self.path.suffix} can hold; write .mkv or .mp4 instead: {self.path}"
            )
        if self._container.format.name == "avi":
            skipped = time.numerator - round((self._last or 0) * self._time_base / self._slot)
            if skipped > MOST_SKIPPED:
                raise VideoError(
                    f"a frame at {float(pts * self._time_base):.4f} s comes {skipped} slots behind the last, "
                    f"of which {self.path.suffix} holds {MOST_SKIPPED} at most; write .mkv or .mp4 instead: {self.path}"
                )
        self._last = pts
        if carried and carried.side_data and not self._grey:
            self._note_lost(side_data_names(carried.side_data))
        frame = self._frames.of(image, carried)
        duration = round(carried.duration * self._time_base / self._slot) if carried else 0
        self._mux(lambda: self._encoder.encode(frame, time.numerator, duration))

    @property
    def begun(self) -> bool:
        """Whether a picture was written or copied."""
        return self._last is not None

    def copy(self, pictures: Iterable[Coded]) -> None:
        """Append coded pictures, behind those before, as they are; their times are in units of `time_base`.

        Raises:
            RestoreError: the disk is full.
        """
        self._mux(partial(self._encoder.copy, pictures))
        self._last = self._encoder.latest

    def end_segment(self) -> dict[str, Any]:
        """Between two pictures: the encoder begins anew, so that the rest can be written by another writer that resumes
        with what is returned, ready for JSON.

        Raises:
            RestoreError: the disk is full, or the encoder failed.
        """
        assert self._files, "a writer that is resumed writes what is coded to files"
        self._mux(self._encoder.end_segment)
        try:
            coded = self._files.end_segment()
        except OSError as error:
            raise RestoreError(f"writing stopped ({reason(error)}); make room: {self.path}") from error
        return {"last": self._last, "lost": self._lost, "encoder": self._encoder.state(), "coded": coded}

    def resume(self, segments: Sequence[dict[str, Any]], folder: Path) -> None:
        """Before the first picture: write all `segments`, as `end_segment` returned them, and go on behind them.

        Args:
            folder: that of the files.

        Raises:
            RestoreError: the disk is full.
        """
        files, self._files = self._files, None  # which hold them
        for segment in segments:
            self._mux(partial(read_coded, folder, segment["coded"]))
        self._files = files
        self._last, self._lost = segments[-1]["last"], segments[-1]["lost"]
        self._encoder.resume(segments[-1]["encoder"])

    def end_at(self, place: Place | None) -> None:
        """Sound and subtitles from this place in the source on are not of this video; None: all are."""
        if self._passthrough:
            self._passthrough.ends = place

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _mux(self, encode: Callable[[], Iterable[Coded]]) -> None:
        """Write what `encode` gives, with the sound and the subtitles up to it."""
        try:
            for coded in encode():
                if self._passthrough and coded.dts is not None:
                    self._passthrough.mux_until(coded.dts * self._slot)
                self._put(coded.packet(self._encoder.stream, self._slot))
                self._pictures += 1
                if self._files:
                    self._files.add(coded)
        except (OSError, av.FFmpegError) as error:
            raise RestoreError(f"writing stopped ({reason(error)}); make room, or write .mkv: {self.path}") from error

    def _put(self, packet: Packet) -> None:
        """Mux a packet of any stream."""
        try:
            self._container.mux(packet)
        except REFUSED as error:
            # It may be of an earlier packet, as FFmpeg orders them; whether it was a picture's is known at the end.
            self._refused = reason(error)

    def _note_lost(self, side_data: Iterable[str]) -> None:
        self._lost += [line for line in lost(side_data, self._encoder_name) if line not in self._lost]

    def _mend_headers(self) -> None:
        """After the file is closed: put right what FFmpeg cannot be asked to write."""
        if self._passthrough:
            self._passthrough.mend_headers(self._temporary)
        container = self._container.format.name
        if container in ("matroska", "webm") and (self._shape != 1 or self._cropping):
            matroska.set_display_size(self._temporary, self._shape, self._cropping)
        elif container in ("mp4", "mov") and (self._shape != 1 or self._cropping):
            # QuickTime's own format states the size before the shape of a pixel counts.
            mp4.set_display_size(self._temporary, self._shape if container == "mp4" else Fraction(1), self._cropping)

    def _finish(self) -> None:
        if self._last is None:
            raise VideoError(f"no frame was written, expected at least one: {self.path}")
        self._mux(self._encoder.finish)
        try:
            if self._passthrough:
                self._passthrough.mux_until(None)
            try:
                self._container.close()
            except REFUSED as error:  # of a packet that it still had
                self._refused = reason(error)
            if self._refused and count_packets(self._temporary) != self._pictures:
                raise RestoreError(f"FFmpeg cannot store the pictures ({self._refused}); write .mkv: {self.path}")
            self._mend_headers()
            os.replace(self._temporary, self.path)
        except (OSError, av.FFmpegError) as error:
            raise RestoreError(f"writing stopped at its end ({reason(error)}); {_mend(error)}: {self.path}") from error

    def _discard(self) -> None:
        """Close everything; delete the hidden file unless it has become the final one."""
        if self._passthrough:
            self._passthrough.close()
        with suppress(OSError, av.FFmpegError):  # of a file that is deleted in the next line
            self._container.close()
        self._temporary.unlink(missing_ok=True)


def _mend(error: Exception) -> str:
    gone = isinstance(error, FileNotFoundError)
    return "its folder is gone, the same command writes it anew" if gone else "make room"


def _create(temporary: Path, path: Path) -> OutputContainer:
    """Create the hidden file now: whether the folder can be written is better known before the work than after it."""
    if not path.parent.is_dir():
        raise VideoError(f"no such folder to write to: {path.parent}; create it first: {path}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise VideoError(
            f"the folder cannot be written ({reason(error)}); choose another, or give write permission: {path}"
        ) from error
    # Times before 0 (the run-in of AAC, say) stay what they are; Matroska would shift everything.
    # No random numbers in headers: the same work gives the same bytes.
    options = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    if path.suffix.lower() in (".mkv", ".webm"):
        options |= matroska.HEADER | {"default_mode": "passthrough"}
    return av.open(str(temporary.absolute()), "w", format=FORMATS[path.suffix.lower()], container_options=options)
