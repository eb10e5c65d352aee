"""Files that are written along with a restored video: its mask, where each pixel comes from, how certain it is, and all
that was given and came out in one picture.
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from restore.inference.journal import Journal
from restore.inference.side_by_side import side_by_side, side_by_side_info
from restore.restored import Restored
from restore.video.fields import FieldOrder, fields_info, woven
from restore.video.info import VideoInfo
from restore.video.writer import VideoWriter


class Sidecars:
    """A context manager over the writers of those files that are asked for; they appear whole or not at all.

    Args:
        info: of the degraded video.
        journal: where they are written until they are whole, and from which they can be resumed.
        order: of its fields, if it is interlaced: then each result is one field, and two are woven into a frame; a
            comparison stays one of fields.
        mask, suspects, provenance, confidence, uncertainty: `.mkv`, lossless and grey; None for none.
        comparison: a video; None for none.
        with_original: whether the comparison has the original in it, too.
    """

    def __init__(
        self,
        info: VideoInfo,
        journal: Journal,
        *,
        order: FieldOrder | None,
        mask: str | Path | None,
        suspects: str | Path | None,
        provenance: str | Path | None,
        confidence: str | Path | None,
        uncertainty: str | Path | None,
        comparison: str | Path | None,
        with_original: bool,
        overwrite: bool,
    ) -> None:
        files = mask, suspects, provenance, confidence, uncertainty, comparison
        self.paths = [Path(path) for path in files if path]
        self._stack = ExitStack()

        self._writers: dict[str, VideoWriter] = {}

        def opened(role: str, path: str | Path | None, info: VideoInfo, *, grey: bool) -> VideoWriter | None:
            if path is None:
                return None
            folder, files = journal.folder, journal.files(role)
            writer = self._stack.enter_context(
                VideoWriter(path, info=info, grey=grey, overwrite=overwrite, folder=folder, files=files)
            )
            self._writers[role] = writer
            return woven(writer, order) if grey else writer

        try:
            self._mask, self._suspects, self._provenance, self._confidence, self._uncertainty = (
                opened(role, path, info, grey=True)
                for role, path in (
                    ("mask", mask),
                    ("suspects", suspects),
                    ("provenance", provenance),
                    ("confidence", confidence),
                    ("uncertainty", uncertainty),
                )
            )
            shape = side_by_side_info(fields_info(info) if order else info, with_original=with_original)
            self._comparison = opened("comparison", comparison, shape, grey=False)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Sidecars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, traceback)

    def end_segment(self) -> dict[str, dict[str, Any]]:
        """As `VideoWriter.end_segment`, by role."""
        return {role: writer.end_segment() for role, writer in self._writers.items()}

    def resume(self, segments: dict[str, list[dict[str, Any]]], folder: Path) -> None:
        """As `VideoWriter.resume`, by role."""
        for role, writer in self._writers.items():
            writer.resume(segments[role], folder)

    def write(self, result: Restored, original: np.ndarray | None) -> None:
        """One frame; `original`: uint8 `H W 3`, if there is one."""
        pts = result.frame.pts
        if self._mask:
            self._mask.write(result.mask.astype(np.uint8) * np.uint8(255), pts)
        if self._suspects:
            assert result.frame.suspected is not None, "only what is looked for can be suspected"
            self._suspects.write(result.frame.suspected.astype(np.uint8) * np.uint8(255), pts)
        if self._provenance:
            self._provenance.write(result.provenance, pts)
        if self._confidence:
            self._confidence.write(result.confidence, pts)
        if self._uncertainty:
            nothing = np.zeros_like(result.provenance)
            self._uncertainty.write(nothing if result.uncertainty is None else result.uncertainty, pts)
        if self._comparison:
            self._comparison.write(side_by_side(result.frame.given, result, original), pts)
