#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg that its wheel carries (libavcodec 62.28).
# Expectation: `frame.pts = None` on a decoded frame, as recipes for transcoding say, lets the encoder count frames: one
#              after another at the stream's rate, as frames made of arrays are counted.
# What happens: it counts only frames that have no time base either; a decoded frame has one, which cannot be set to None.
#              All packets get pts 0, without an error or a warning, into Matroska as into MP4: the video has every
#              picture, and all of them are at one moment.
# Exit:        0 while it is so, 1 once it is not.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder/packages" av==18.1.0 numpy==2.4.6
PYTHONPATH="$folder/packages" "${PYTHON:-python3}" - <<'P'
import io
import sys

import av
import numpy as np


def encoded(frames, kind):
    """The file, and the times of its packets, of frames whose pts are None."""
    held, times = io.BytesIO(), []
    with av.open(held, "w", format=kind) as output:
        stream = output.add_stream("libx264", rate=25, width=64, height=48)
        stream.pix_fmt = "yuv420p"
        for frame in [*frames, None]:
            if frame is not None:
                frame.pts = None
            for packet in stream.encode(frame):
                output.mux(packet)
    with av.open(io.BytesIO(held.getvalue())) as container:
        times = sorted(packet.pts for packet in container.demux(video=0) if packet.size)
    return held.getvalue(), times


made = [av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * t, np.uint8), format="rgb24") for t in range(6)]
right = True
for kind in ("matroska", "mp4"):
    first, of_made = encoded(made, kind)
    with av.open(io.BytesIO(first)) as container:
        decoded = list(container.decode(video=0))
    _, of_decoded = encoded(decoded, kind)
    print(f"av {av.__version__}, {kind}: made: {of_made}; decoded: {of_decoded}")
    right &= len(set(of_made)) == 6 and of_decoded == [0] * 6
sys.exit(0 if right else 1)
P
# Output seen: av 18.1.0, matroska: made: [0, 40, 80, 120, 160, 200]; decoded: [0, 0, 0, 0, 0, 0]
#              av 18.1.0, mp4: made: [0, 512, 1024, 1536, 2048, 2560]; decoded: [0, 0, 0, 0, 0, 0]
