"""What a test kills: `inference.py` in a process of its own, with short segments."""

import sys
from collections.abc import Sequence
from functools import partial

import inference
from restore.inference import run_jobs


def restore_in_segments(frames: int, argv: Sequence[str]) -> None:
    """The command, with another length of segments, and its exit code."""
    run_jobs.restore_file = partial(run_jobs.restore_file, segment=frames)
    sys.exit(inference.main(list(argv)))
