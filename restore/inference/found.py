"""What was found to hide the scene over a video, for its report: what was removed, and what was left in the picture."""

from typing import Any

from restore.detection.tracks import Tracker
from restore.frame import Frame


class Found:
    """Tracks what was detected, frame by frame. Frames whose kinds are unknown are left out."""

    def __init__(self) -> None:
        self._removed, self._left = Tracker(), Tracker()
        self._kinds_known = False

    def add(self, frame: Frame) -> None:
        """The next frame."""
        if frame.kinds is None:
            return
        assert frame.probability is not None and frame.proven is not None
        self._kinds_known = True
        self._removed.add(frame.probability * frame.proven, frame.kinds)
        self._left.add(frame.probability * ~frame.proven, frame.kinds)

    def report(self) -> tuple[dict[str, Any], list[str]]:
        """After the last frame: `obstructions` and `suspects`, each a list or None; and a line for each kind of thing
        that was too short or small to be listed.
        """
        lists: dict[str, Any] = {}
        lines = []
        for name, tracker in (("obstructions", self._removed), ("suspects", self._left)):
            tracks, unlisted = tracker.finish()
            lists[name] = [track.as_json() for track in tracks] if self._kinds_known else None
            if unlisted:
                lines.append(f"{unlisted} small or short {name} are not in the report's list")
        return lists, lines
