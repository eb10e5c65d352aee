#!/bin/sh
# opencv-python-headless 5.0.0.93: cv2.calcOpticalFlowPyrLK pulls fractions of a pixel towards a half (peak locking).
#
# Expected: Lucas and Kanade's points are exact to hundredths of a pixel on a picture without noise, so that small
# motions of a camera can be summed up over a video, and a static camera told from one that drifts.
# Happens: windows between pixels are interpolated linearly, which blurs most at half a pixel, so the match that is blurred
# alike is preferred. On fine texture 0.1 px is measured as 0.13 and 0.9 as 0.87: 17 frames that drift by 0.1 px
# come out half a pixel too far. On smooth texture the error is a tenth of that: blur both pictures before.
# The picture is moved exactly, by its Fourier transform; each figure is a median over 252 points.
# Seen with the version pinned here: "moved by 0.1 0.25 0.5 0.75 0.9 px; fine 0.131 0.287 0.499 0.713 0.868; smooth
# 0.102 0.253 0.500 0.748 0.898".
set -eu
version=5.0.0.93
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" "opencv-python-headless==$version" numpy==2.4.6
PYTHONPATH="$folder" python3 - <<'PYTHON'
import cv2
import numpy as np

HEIGHT, WIDTH = 192, 256
MOVES = 0.1, 0.25, 0.5, 0.75, 0.9  # px
cv2.setNumThreads(1)
grid = np.meshgrid(np.arange(24, WIDTH - 24, 12), np.arange(24, HEIGHT - 24, 12))
points = np.stack(grid, -1).reshape(-1, 1, 2).astype(np.float32)


def texture(moved, bandwidth):
    """Noise without frequencies far above `bandwidth` (cycles a pixel), moved to the right by any fraction of a pixel."""
    spectrum = np.fft.rfft2(np.random.default_rng(0).normal(size=(HEIGHT, WIDTH)))
    vertical, horizontal = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    spectrum *= np.exp(-(vertical**2 + horizontal**2) / (2 * bandwidth**2) - 2j * np.pi * horizontal * moved)
    picture = np.fft.irfft2(spectrum, s=(HEIGHT, WIDTH))
    return np.clip(128 + 40 * picture / picture.std(), 0, 255).round().astype(np.uint8)


def measured(moved, bandwidth):
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        texture(0, bandwidth), texture(moved, bandwidth), points, None, winSize=(15, 15), maxLevel=3
    )
    return float(np.median((there - points)[found.ravel() > 0][:, 0, 0]))


fine, smooth = ([measured(moved, bandwidth) for moved in MOVES] for bandwidth in (0.25, 0.05))
print("moved by", *MOVES, "px; fine", *(f"{x:.3f}" for x in fine), "; smooth", *(f"{x:.3f}" for x in smooth))
assert 0.02 < fine[0] - 0.1 < 0.04 and 0.03 < fine[1] - 0.25 < 0.05, "no longer pulled up to a half"
assert 0.03 < 0.75 - fine[3] < 0.05 and 0.02 < 0.9 - fine[4] < 0.045, "no longer pulled down to a half"
assert abs(fine[2] - 0.5) < 0.005
assert max(abs(x - moved) for x, moved in zip(smooth, MOVES)) < 0.006, "smooth texture is pulled as well"
PYTHON
