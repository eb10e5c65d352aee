"""Why restoring again gave other bytes, and how far apart the pictures are: what `verify --again` says then."""

from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from restore.inference.versions import versions
from restore.pipeline import Restorer
from restore.video.reader import VideoReader


def reasons(report: dict[str, Any], restorer: Restorer) -> str:
    """What computed it then and does so no more, in words.

    Args:
        report: of the restoration.
        restorer: what restored it again, in the same precision.
    """
    then, now = report["versions"], versions(restorer.engine)
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    lines = [f"{name} {then.get(name)}, now {now.get(name)}" for name in names]
    if "cpu" in names:
        lines[names.index("cpu")] += ", and each kind of CPU adds in an order of its own"
        usual = Restorer(device=report["device"]).dtype
        if report["precision"] and usual != restorer.dtype:
            usual_name = str(usual).removeprefix("torch.")
            lines.append(
                f"in {report['precision']}, of which fewer bits are kept than of {usual_name}, which is usual here"
            )
    return "; ".join(lines)


def apart(one: Path, other: Path) -> str:
    """How far apart the pictures of two videos are, in words: one after the other, at 8 bits."""
    pictures = differ = most = 0
    with VideoReader(one) as first, VideoReader(other) as second:
        for a, b in zip_longest(first, second):
            if a is None or b is None or a.image.shape != b.image.shape:
                return "the pictures are not as many, or not as large"
            levels = int(np.abs(a.image.astype(np.int16) - b.image).max())
            pictures, differ, most = pictures + 1, differ + (levels > 0), max(most, levels)
    if not differ:
        return "each pixel is the same"
    return f"{differ} of {pictures} pictures differ, by at most {most} levels of 255"
