#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg 8.1.2 that its wheel carries.
# Expectation: `codec_context.qscale = True` and `global_quality` choose the quantiser of MPEG-4, as `-qscale:v 20` does
#              with FFmpeg's own command.
# What happens: nothing; the file has the same bytes at every quality. FFmpeg's encoders of the MPEG family take a fixed
#              quantiser from each frame's own quality, which FFmpeg's command copies there and PyAV has no setter for.
#              `qmin` and `qmax`, both at the quantiser, are obeyed.
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

QP2LAMBDA = 118
noise = np.random.default_rng(0).integers(0, 256, (8, 96, 128, 3), dtype=np.uint8)


def size(quantiser, *, by_context):
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        options = {} if by_context else {"qmin": str(quantiser), "qmax": str(quantiser)}
        stream = container.add_stream("mpeg4", rate=25, options=options, width=128, height=96)
        stream.codec_context.pix_fmt = "yuv420p"
        if by_context:
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = quantiser * QP2LAMBDA
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return len(file.getvalue())


asked = [size(quantiser, by_context=True) for quantiser in (2, 20)]
bounded = [size(quantiser, by_context=False) for quantiser in (2, 20)]
print(f"av {av.__version__}: bytes at quantiser 2 and 20: {asked} by global_quality, {bounded} by qmin and qmax")
sys.exit(0 if asked[0] == asked[1] and bounded[0] > 3 * bounded[1] else 1)
P
# Output seen: av 18.1.0: bytes at quantiser 2 and 20: [124676, 124676] by global_quality, [124084, 32138] by qmin and qmax
