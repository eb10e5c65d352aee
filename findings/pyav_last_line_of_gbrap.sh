#!/bin/sh
# Library:     PyAV 18.1.0 (package `av`), with the FFmpeg 8.1.2 (libswscale 9.5.102) that its wheel carries.
# Expectation: `VideoFrame.reformat` from gbrap16le to gbrp16le drops alpha and copies R, G and B, as from gbrap16le to
#              rgb48le.
# What happens: half of the last line (of every slice, where there are threads) is not copied, and differs from
#              the frame before; so it is with 10, 12 and 14 bits (gbrap12le to gbrp12le). 8 bits (gbrap to gbrp) are right.
# Exit:        0 while it is so, 1 once it is not.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder/packages" av==18.1.0 numpy==2.4.6
PYTHONPATH="$folder/packages" "${PYTHON:-python3}" - <<'P'
import sys

import av
import numpy as np

image = np.random.default_rng(0).integers(0, 65536, (48, 64, 4), dtype=np.uint16)
frame = av.VideoFrame.from_ndarray(image, format="rgba64le").reformat(format="gbrap16le")


def planes(frame):
    rows = [np.frombuffer(bytes(plane), "<u2").reshape(48, -1)[:, :64] for plane in frame.planes]
    return np.stack([rows[2], rows[0], rows[1]], -1)


wrong = {}
for name, picture in (
    ("gbrp16le", planes(frame.reformat(format="gbrp16le", threads=1))),
    ("rgb48le", frame.reformat(format="rgb48le", threads=1).to_ndarray()),
):
    wrong[name] = sorted({int(line) for line in np.argwhere(picture != planes(frame))[:, 0]})
print(f"av {av.__version__}: lines of 48 that differ: " + ", ".join(f"{v} in {k}" for k, v in wrong.items()))
sys.exit(0 if wrong["gbrp16le"] and not wrong["rgb48le"] else 1)
P
# Output seen: av 18.1.0: lines of 48 that differ: [47] in gbrp16le, [] in rgb48le
