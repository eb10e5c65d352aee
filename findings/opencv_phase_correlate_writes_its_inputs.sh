#!/usr/bin/env bash
# cv2.phaseCorrelate with a window, opencv-python-headless 5.0.0.93, multiplies the caller's pictures by the window.
#
# Expected: the documentation lists src1, src2 and window as inputs; a caller who goes on with the pictures finds them as they
# were. Without a window, and at sizes that are padded to a faster one, they are.
# Happens: with a window, where both sides are sizes of a fast Fourier transform already (64, 80, 90, ...), both arrays come
# back faded out towards their edges. Whoever measures a shift, and then the difference that is left at that shift, measures the window. It
# depends on the size alone, so that it is seen in some crops and not in others. The remedy is a copy of both.
#
# Seen:
#   64x64 with a window: written to True, mean 0.50 -> 0.19
#   90x90 with a window: written to True, mean 0.50 -> 0.20
#   91x91 with a window: written to False, mean 0.50 -> 0.50
#   64x64 without a window: written to False, mean 0.50 -> 0.50
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.3.5
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np


def written_to(side, with_window):
    picture = np.random.default_rng(0).random((side, side)).astype(np.float32)
    moved = np.roll(picture, 3, 1)
    before = picture.copy(), moved.copy()
    window = (cv2.createHanningWindow((side, side), cv2.CV_32F),) if with_window else ()
    cv2.phaseCorrelate(picture, moved, *window)
    changed = not (np.array_equal(picture, before[0]) and np.array_equal(moved, before[1]))
    how = "with" if with_window else "without"
    print(f"{side}x{side} {how} a window: written to {changed}, mean {before[0].mean():.2f} -> {picture.mean():.2f}")
    return changed


seen = [written_to(64, True), written_to(90, True), written_to(91, True), written_to(64, False)]
assert seen == [True, True, False, False], seen
PYTHON
