#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg that its wheel carries (libavcodec 62.28).
# Expectation: `frame.side_data` lists what a decoded picture carries; of a JPEG with EXIF, as every camera writes it, the
#              display matrix that FFmpeg makes of the orientation, and the EXIF itself or nothing of it.
# What happens: FFmpeg attaches the EXIF as side data of a kind that PyAV's list of kinds does not have, and reading
#              `frame.side_data` raises ValueError: neither that kind nor any other can be read of such a frame. Only
#              `frame.rotation` is left, which has no mirror images.
# Exit:        0 while it is so, 1 once it is not.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder/packages" av==18.1.0 numpy==2.4.6
PYTHONPATH="$folder/packages" "${PYTHON:-python3}" - <<'P'
import io
import struct
import sys

import av
import numpy as np

held = io.BytesIO()
with av.open(held, "w", format="mjpeg") as output:
    stream = output.add_stream("mjpeg", rate=25, width=64, height=48)
    stream.pix_fmt = "yuvj420p"
    output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 120, np.uint8), format="rgb24")))
    output.mux(stream.encode(None))
plain = held.getvalue()
entry = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)  # orientation 6: turn by a quarter to the right
exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
oriented = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]

found = {}
for name, picture in (("without EXIF", plain), ("with EXIF", oriented)):
    with av.open(io.BytesIO(picture), format="mjpeg") as container:
        frame = next(container.decode(video=0))
        try:
            found[name] = f"{len(list(frame.side_data))} kinds"
        except ValueError as error:
            found[name] = f"ValueError: {error}"
        found[name] += f" (rotation {frame.rotation})"
print(f"av {av.__version__}: " + "; ".join(f"{name}: {what}" for name, what in found.items()))
sys.exit(0 if "ValueError" in found["with EXIF"] and "ValueError" not in found["without EXIF"] else 1)
P
# Output seen: av 18.1.0: without EXIF: 0 kinds (rotation 0); with EXIF: ValueError: 31 is not a valid Type (rotation -90)
