#!/bin/sh
# opencv-python-headless 5.0.0.93: cv2.bilateralFilter keeps three times as much of a colour picture as of the same grey one.
#
# Expected: sigmaColor is a deviation in levels, as its documentation ("sigma in the color space") and the formula have
# it, so that a grey picture is filtered alike whether it has one channel or three equal ones.
# Happens: of three channels the absolute differences are added up, and compared with that one sigmaColor. Noise that a
# sigma takes away from one channel stays in three; three channels need three times the sigma, and then are the same.
# Seen with the version pinned here: "noise left: 1 channel 2.70, 3 channels 7.50, 3 channels with 3 sigma 2.70".
set -eu
version=5.0.0.93
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" "opencv-python-headless==$version" numpy==2.4.6
PYTHONPATH="$folder" python3 - <<'PYTHON'
import cv2
import numpy as np

noisy = (128 + np.random.default_rng(0).normal(0, 10, (200, 200))).round().astype(np.uint8)
colour = cv2.merge([noisy] * 3)


def left(picture, sigma):
    return float(cv2.bilateralFilter(picture, 9, sigma, 3.0).astype(float).std())


one, three, wider = left(noisy, 20), left(colour, 20), left(colour, 60)
print(f"noise left: 1 channel {one:.2f}, 3 channels {three:.2f}, 3 channels with 3 sigma {wider:.2f}")
assert three > 1.8 * one, "a colour picture is filtered as a grey one is"
assert abs(wider - one) < 0.02
PYTHON
