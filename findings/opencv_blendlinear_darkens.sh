#!/bin/sh
# opencv-python-headless 5.0.0.93: cv2.blendLinear(a, b, w, 1 - w) is not a weighted mean: it divides by w + (1 - w) + 1e-5.
#
# Expected: weights that sum to 1 give a * w + b * (1 - w), as the formula of blending has it; blending a picture with
# itself gives that picture.
# Happens: each call darkens by a part in 100,000. A value that is blended again and again, as a temporal filter's state
# is, falls to 0.99 of itself after 1,000 calls and to a third after 100,000. Weights scaled by 1,000 make the
# error a thousand times less.
# Seen with the version pinned here: "once 254.9975, 1000 times 252.46, scaled 1000 times 255.000".
set -eu
version=5.0.0.93
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" "opencv-python-headless==$version" numpy==2.4.6
PYTHONPATH="$folder" python3 - <<'PYTHON'
import cv2
import numpy as np

picture = np.full((4, 4), 255, np.float32)
weight = np.full((4, 4), 0.5, np.float32)


def blended(times, scale):
    result = picture
    for _ in range(times):
        result = cv2.blendLinear(result, result, weight * np.float32(scale), weight * np.float32(scale))
    return float(result[0, 0])


once, often, scaled = blended(1, 1), blended(1000, 1), blended(1000, 1000)
print(f"once {once:.4f}, 1000 times {often:.2f}, scaled 1000 times {scaled:.3f}")
assert 254.996 < once < 254.999, "blendLinear no longer adds 1e-5 to the sum of the weights"
assert 252.3 < often < 252.6
assert scaled > 254.99
PYTHON
