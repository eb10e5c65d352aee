#!/usr/bin/env bash
# ncnn 1.0.20261020 (Python), numpy 2.4.6: `ncnn.Mat(array)` ignores the strides of the array.
#
# Expected: a frame as decoders give it, `H W C`, turned to `C H W` by `transpose`, or every other row of a picture,
# becomes a Mat of the same values, or is refused, as is usual for what takes NumPy arrays (torch.from_numpy keeps the
# strides, OpenCV copies or raises).
# What happens: the Mat has the shape of the view and the values of the memory beneath it in order, with no error: a
# network then sees a scrambled picture. `numpy.ascontiguousarray` before it mends it.
#
# Seen:
#   contiguous: shape (3, 4, 6), same values True
#   transposed: shape (3, 4, 6), same values False, values of the memory in order True
#   every other row: shape (3, 2, 6), same values False
#   every other row, made contiguous: shape (3, 2, 6), same values True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ncnn==1.0.20261020 numpy==2.4.6
cat >"$work/strides.py" <<'PY'
import ncnn
import numpy as np

planes = np.arange(3 * 4 * 6, dtype=np.float32).reshape(3, 4, 6)
frame = np.ascontiguousarray(planes.transpose(1, 2, 0))  # H W C, as a decoder gives it
views = {
    "contiguous": planes,
    "transposed": frame.transpose(2, 0, 1),
    "every other row": planes[:, ::2],
    "every other row, made contiguous": np.ascontiguousarray(planes[:, ::2]),
}
for name, view in views.items():
    taken = np.array(ncnn.Mat(view))
    line = f"{name}: shape {taken.shape}, same values {np.array_equal(taken, view)}"
    if name == "transposed":
        line += f", values of the memory in order {np.array_equal(taken.ravel(), frame.ravel())}"
    print(line)
PY
"$work/venv/bin/python" "$work/strides.py" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
contiguous: shape (3, 4, 6), same values True
transposed: shape (3, 4, 6), same values False, values of the memory in order True
every other row: shape (3, 2, 6), same values False
every other row, made contiguous: shape (3, 2, 6), same values True
SEEN
