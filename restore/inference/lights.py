"""How the light of a video was changed, for its report and its warnings."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from restore.frame import Frame
from restore.light.curve import Light
from restore.light.setting import Setting


@dataclass
class _Scene:
    """A scene whose light was changed: which, from what frame to what, and the gains and balances, one a change."""

    number: int | None
    first: int
    last: int = 0
    lights: dict[Light, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        gains = [round(pick(light.gain for light in self.lights), 3) for pick in (min, max)]
        counts = list(self.lights.values())
        balance = np.average([light.balance for light in self.lights], 0, counts).round(3).tolist()
        return {"frames": [self.first, self.last], "gain": gains, "balance": balance}


class Lights:
    """Notes the light that each frame was given, scene by scene.

    >>> lights = Lights("auto")
    >>> for gain in (1.0, 4.0, 5.0):
    ...     lights.add(Frame(np.zeros((2, 2, 3), np.uint8), scene=int(gain > 1), light=Light(gain)))
    >>> lights.report()["scenes"]
    [{'frames': [1, 2], 'gain': [4.0, 5.0], 'balance': [1.0, 1.0, 1.0]}]
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._frames = self._changed = 0
        self._scene: _Scene | None = None
        self._scenes: list[dict[str, Any]] = []

    def add(self, frame: Frame) -> None:
        """The next frame."""
        number, light = self._frames, frame.light or Light()
        self._frames += 1
        if not light.changes:
            return
        self._changed += 1
        if self._scene is None or self._scene.number != frame.scene:
            self._finish_scene()
            self._scene = _Scene(frame.scene, number)
        self._scene.last = number
        self._scene.lights[light] = self._scene.lights.get(light, 0) + 1

    def _finish_scene(self) -> None:
        if self._scene:
            self._scenes.append(self._scene.as_json())
        self._scene = None

    def report(self) -> dict[str, Any] | None:
        """After the last frame: see `restore_file`; None where no light was asked for."""
        self._finish_scene()
        if self._setting == "off":
            return None
        share = round(self._changed / max(1, self._frames), 6)
        return {"setting": self._setting, "changed": share, "scenes": self._scenes}

    def warnings(self) -> list[str]:
        """A line where the light of any frame was changed."""
        self._finish_scene()
        if not self._changed:
            return []
        least, greatest = (pick(gain for scene in self._scenes for gain in scene["gain"]) for pick in (min, max))
        gains = f"{least:g}" if least == greatest else f"{least:g} to {greatest:g}"
        return [
            f"brightness was changed: {self._changed} of {self._frames} frames were given {gains} times their light"
        ]
