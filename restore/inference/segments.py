"""The segments of a video that is being restored: where one ends, all that is done is noted in the journal; another run
of the same goes on behind the last.
"""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from restore.frame import Frame
from restore.inference.inputs import Inputs
from restore.inference.journal import Journal
from restore.inference.sidecars import Sidecars
from restore.inference.totals import Totals
from restore.inference.warm_up import WarmUp
from restore.propagation.resumption import Resumption
from restore.video.writer import VideoWriter

log = logging.getLogger(__name__)


class Segments:
    """Brings what is written, and the totals, from segment to segment.

    Args:
        identity: computes what a run that goes on must have in common with the one before (`identity.py`).
        detects: whether the masks, or a part of them, are detected.
        begin, first: the frame of the video that one begins to read at, and the one that is written first.
    """

    def __init__(
        self,
        journal: Journal,
        identity: Callable[[], dict[str, Any]],
        *,
        writer: VideoWriter,
        sidecars: Sidecars,
        totals: Totals,
        detects: bool,
        begin: int = 0,
        first: int = 0,
    ) -> None:
        self._journal, self._identity = journal, identity
        self._writer, self._sidecars, self._totals = writer, sidecars, totals
        self._detects, self._first = detects, first
        self._warm_up = WarmUp(detects=detects, begin=begin, frames=first)

    def resume(self, inputs: Inputs, video: str | Path) -> Resumption | None:
        """Write what an earlier run has done, and read over its frames; None if there is nothing that can be used."""
        done, note = self._journal.last(self._identity)
        if note:
            anew = "" if done else ", so that it is restored from the start"
            warnings.warn(f"of what was done before, {note}{anew}: {video}", stacklevel=3)
        if not done:
            return None
        log.info("%d frames are done, and are not restored again: %s", done.frames, video)
        self._writer.resume(done.segments["output"], self._journal.folder)
        self._sidecars.resume(done.segments, self._journal.folder)
        self._totals.resume(done.totals)
        place = self._first + done.frames
        self._warm_up = WarmUp(detects=self._detects, begin=done.begin, frames=place)
        inputs.skip(done.begin, place)
        return Resumption(place - done.begin, done.state)

    def add(self, frame: Frame, *, whole: bool) -> None:
        """A frame is written.

        Args:
            whole: it is no first field, of which a frame of the output is woven.
        """
        self._warm_up.add(comparable=frame.comparable)
        if frame.ends and whole:
            self._journal.add(
                self._identity,
                frames=self._totals.frames,
                begin=self._warm_up.begin,
                segments={"output": self._writer.end_segment()} | self._sidecars.end_segment(),
                state=frame.state,
                totals=self._totals.state(),
            )
        frame.state = None  # 58 bytes a pixel
