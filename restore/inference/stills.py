"""Which frames of a video are looked at in its report, chosen while it streams by: the first, one in the middle, the
last, and those with the most hidden pixels.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from restore.inference.overlay import overlay
from restore.restored import Restored

WIDTH = 480  # px at most
SLOTS = 8  # equal parts of the video so far, at most; even, so that each has a neighbour to be merged with
HIDDEN = 3  # how many of the frames with the most hidden pixels
QUALITY = 88  # of JPEG, with colours at full resolution: outlines are one pixel wide


@dataclass(frozen=True)
class Still:
    """One frame.

    Attributes:
        why: it was chosen: "first", "middle", "last", "most hidden".
        hidden: share of its pixels.
        pictures: JPEG files by what they are: (original,) degraded, restored, provenance.
    """

    frame: int
    hidden: float
    pictures: dict[str, bytes]
    why: tuple[str, ...] = ()


class Stills:
    """Holds two frames of each slot, as small JPEG files, and the latest frame."""

    def __init__(self) -> None:
        self._span, self._frames = 1, 0  # frames in a slot, and in all
        self._firsts: list[Still] = []
        self._most: list[Still] = []  # hidden, by slot
        self._latest: Still | tuple[Restored, np.ndarray | None] | None = None  # encoded where it is asked for

    def state(self) -> dict[str, Any]:
        """What `resume` takes, ready for JSON."""
        stills = {still.frame: still for still in (*self._firsts, *self._most, self._last())}
        return {
            "span": self._span,
            "frames": self._frames,
            "stills": [_as_json(still) for still in stills.values()],
            "firsts": [still.frame for still in self._firsts],
            "most": [still.frame for still in self._most],
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another had this `state`."""
        stills = {values["frame"]: _from_json(values) for values in state["stills"]}
        self._span, self._frames = state["span"], state["frames"]
        self._firsts, self._most = ([stills[frame] for frame in state[name]] for name in ("firsts", "most"))
        self._latest = stills[self._frames - 1]

    def add(self, result: Restored, original: np.ndarray | None) -> None:
        """The next frame; `original`: uint8 `H W 3`, if there is one."""
        if self._frames == SLOTS * self._span:
            self._firsts, self._span = self._firsts[::2], self._span * 2
            self._most = [
                max(pair, key=lambda still: still.hidden)
                for pair in zip(self._most[::2], self._most[1::2], strict=True)
            ]
        hidden = float(result.mask.mean())
        if self._frames % self._span == 0:
            still = _still(self._frames, hidden, result, original)
            self._firsts.append(still)
            self._most.append(still)
        elif hidden > self._most[-1].hidden:
            self._most[-1] = _still(self._frames, hidden, result, original)
        self._latest = result, original
        self._frames += 1

    def chosen(self) -> list[Still]:
        """In the order of their frames, each once."""
        middle = min(self._firsts, key=lambda still: abs(still.frame - self._frames // 2))
        named = [("first", self._firsts[0]), ("middle", middle), ("last", self._last())]
        named += [("most hidden", still) for still in self._most_hidden()]
        whys: dict[int, tuple[str, ...]] = {}
        for why, still in named:
            whys[still.frame] = (*whys.get(still.frame, ()), why)
        by_frame = {still.frame: still for _, still in named}
        return [replace(by_frame[frame], why=whys[frame]) for frame in sorted(by_frame)]

    def _last(self) -> Still:
        assert self._latest is not None, "a video has a frame"
        if isinstance(self._latest, Still):
            return self._latest
        result, original = self._latest
        return _still(self._frames - 1, float(result.mask.mean()), result, original)

    def _most_hidden(self) -> list[Still]:
        """At most `HIDDEN` of them, and not two of the same moment."""
        found: list[Still] = []
        for still in sorted(self._most, key=lambda still: (-still.hidden, still.frame)):
            if still.hidden and all(abs(still.frame - other.frame) >= self._span for other in found):
                found.append(still)
        return found[:HIDDEN]


def _still(frame: int, hidden: float, result: Restored, original: np.ndarray | None) -> Still:
    restored = _small(result.image)
    height, width = restored.shape[:2]
    codes = cv2.resize(result.provenance, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    pictures = {
        **({} if original is None else {"original": _small(original)}),
        "degraded": _small(result.frame.given),
        "restored": restored,
        "provenance": overlay(restored, codes),
    }
    return Still(frame, hidden, {name: _jpeg(picture) for name, picture in pictures.items()})


def _as_json(still: Still) -> dict[str, Any]:
    pictures = {name: b64encode(data).decode() for name, data in still.pictures.items()}
    return {"frame": still.frame, "hidden": still.hidden, "pictures": pictures}


def _from_json(values: dict[str, Any]) -> Still:
    pictures = {name: b64decode(data) for name, data in values["pictures"].items()}
    return Still(values["frame"], values["hidden"], pictures)


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if width <= WIDTH:
        return image
    return cv2.resize(image, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA)


def _jpeg(image: np.ndarray) -> bytes:
    """uint8 `H W 3`, RGB => a file."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    assert done, "a picture in memory can be encoded"
    return data.tobytes()
