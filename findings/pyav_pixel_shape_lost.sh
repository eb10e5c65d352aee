#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg that its wheel carries.
# Expectation: the shape of a pixel that is set on an encoder's context (`sample_aspect_ratio`) is in the file, as it is
#              with FFmpeg's own command: in Matroska and WebM as DisplayWidth and DisplayHeight.
# What happens: it is read back as 1:1 from VP9 in WebM. PyAV sets the codec's parameters and leaves the stream's own field
#              (`AVStream.sample_aspect_ratio`) at 0, which is the one that FFmpeg's Matroska muxer writes; there is no
#              setter for it. MP4 is right, as its muxer looks at the codec's parameters for `pasp`.
# Exit:        0 while it is so, 1 once it is not.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder/packages" av==18.1.0 numpy==2.4.6
PYTHONPATH="$folder/packages" "${PYTHON:-python3}" - "$folder" <<'P'
import sys
from fractions import Fraction

import av
import numpy as np

shape, found = Fraction(16, 15), {}
for name, codec in (("clip.webm", "libvpx-vp9"), ("clip.mp4", "libx264")):
    path = f"{sys.argv[1]}/{name}"
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=25, width=96, height=72)
        stream.codec_context.sample_aspect_ratio = shape
        for index in range(3):
            picture = np.full((72, 96, 3), 60 * index, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    with av.open(path) as container:
        found[name] = container.streams.video[0].sample_aspect_ratio
print(f"av {av.__version__}: expected {shape} of both, got " + ", ".join(f"{v} of {k}" for k, v in found.items()))
sys.exit(0 if found["clip.webm"] != shape and found["clip.mp4"] == shape else 1)
P
# Output seen: av 18.1.0: expected 16/15 of both, got 1 of clip.webm, 16/15 of clip.mp4
