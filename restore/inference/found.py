"""What was found about a video, for its report: what hid the scene and was removed, what was left in the picture, and
how degraded the visible part was.
"""

from typing import Any

import numpy as np

from restore.detection.tracks import Tracker
from restore.restored import Restored


class Found:
    """Tracks what was detected, frame by frame, but for frames whose kinds are unknown; averages what was estimated."""

    def __init__(self) -> None:
        self._removed, self._left = Tracker(), Tracker()
        self._kinds_known = False
        self._estimates: list[tuple[float, float, float]] = []

    def add(self, restored: Restored) -> None:
        """The next frame."""
        frame = restored.frame
        if restored.estimate:
            self._estimates.append(restored.estimate)
        if frame.kinds is None:
            return
        assert frame.probability is not None and frame.proven is not None
        self._kinds_known = True
        self._removed.add(frame.probability * frame.proven, frame.kinds)
        self._left.add(frame.probability * ~frame.proven, frame.kinds)

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        return {
            "removed": self._removed.state(),
            "left": self._left.state(),
            "kinds_known": self._kinds_known,
            "estimates": self._estimates,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another had this `state`."""
        self._removed.resume(state["removed"])
        self._left.resume(state["left"])
        self._kinds_known = state["kinds_known"]
        self._estimates = [(noise, blurred, corrected) for noise, blurred, corrected in state["estimates"]]

    def report(self) -> tuple[dict[str, Any], list[str]]:
        """After the last frame: `obstructions` and `suspects`, each a list or None, and `estimated`; and a line for
        each kind of thing that was too short or small to be listed.
        """
        lists: dict[str, Any] = {"estimated": self._estimated()}
        lines = []
        for name, tracker in (("obstructions", self._removed), ("suspects", self._left)):
            tracks, unlisted = tracker.finish()
            lists[name] = [track.as_json() for track in tracks] if self._kinds_known else None
            if unlisted:
                lines.append(f"{unlisted} small or short {name} are not in the report's list")
        return lists, lines

    def _estimated(self) -> dict[str, float] | None:
        """Means over the frames of which something is visible."""
        seen = [estimate for estimate in self._estimates if not np.isnan(estimate[0])]
        if not seen:
            return None
        noise, blurred, corrected = np.mean(seen, 0)
        return {
            "noise": round(float(noise), 3),
            "blurred": round(float(blurred), 4),
            "corrected": round(float(corrected), 4),
        }
