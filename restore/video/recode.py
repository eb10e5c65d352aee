"""Pictures through a real encoder and back, in memory: what a recorder does to them."""

import io
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream

PIXEL_FORMATS = {"libx264": "yuv420p", "mpeg4": "yuv420p", "mjpeg": "yuvj420p"}  # the encoders, and what each takes
FRAME_RATE = Fraction(25)  # frames a second; decides nothing at a constant quality


def recoded(frames: np.ndarray, *, encoder: str, quality: float, preset: str = "medium") -> np.ndarray:
    """Encode pictures, uint8 `T H W 3`, as one video with chroma at half resolution, and decode it.

    Args:
        encoder: one of `PIXEL_FORMATS`.
        quality: for `libx264` the CRF, 0 to 51; for the others the quantiser, 1 to 31. More is worse.
        preset: of `libx264`.

    Returns:
        uint8 `T H W 3`; of an odd size, the last row or column is that before it.

    >>> recoded(np.full((2, 16, 17, 3), 90, np.uint8), encoder="mjpeg", quality=2).shape
    (2, 16, 17, 3)
    """
    height, width = frames.shape[1:3]
    odd = (0, height % 2), (0, width % 2)
    even = np.pad(frames, ((0, 0), *odd, (0, 0)), mode="edge")  # encoders of 4:2:0 take even sizes alone
    held = io.BytesIO()
    with av.open(held, "w", format="matroska") as container:
        # One thread: the same pictures give the same bytes, and loaders have a process for each core.
        options = {"threads": "1"}
        if encoder == "libx264":
            options |= {"crf": f"{quality:.2f}", "preset": preset}
        else:  # FFmpeg takes a fixed quantiser from each frame, which PyAV cannot set; these two bound it as well
            options |= {"qmin": str(round(quality)), "qmax": str(round(quality))}
        stream = container.add_stream(
            encoder, rate=FRAME_RATE, options=options, width=even.shape[2], height=even.shape[1]
        )
        assert isinstance(stream, VideoStream), "a picture's encoder makes a video stream"
        stream.codec_context.pix_fmt = PIXEL_FORMATS[encoder]
        for picture in even:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if encoder == "mjpeg":  # straight to full-range 4:2:0, FFmpeg has chroma one level low: grey turns green
                frame = frame.reformat(format="yuvj444p")
            container.mux(stream.encode(frame.reformat(format=PIXEL_FORMATS[encoder])))
        container.mux(stream.encode())
    held.seek(0)
    with av.open(held, "r") as written:
        decoded = [frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)]
    return np.stack(decoded)[:, :height, :width]
