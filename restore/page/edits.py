"""What a person corrected in a video: which detections count, and layers drawn by hand. It is saved at each change.

.restore_page/NUMBER/edits.json          decisions and layers
.restore_page/NUMBER/LAYER_FRAME.png     what is drawn in a key frame of a layer
.restore_page/NUMBER/LAYER.npz           what it is in the frames that it was carried to
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from restore.errors import ConfigError
from restore.inference.report import write_whole
from restore.page.folder import NotHere
from restore.page.frame_store import png, unpng

MOST_GROWTH = 20  # steps


@dataclass
class Decision:
    """What becomes of a detection: whether it is removed, and dilated by how many steps."""

    remove: bool
    grow: int = 0


@dataclass
class Layer:
    """A mask that is drawn.

    Attributes:
        number: of the layer.
        name: of its own making, for people.
        moves: whether it follows the motion of what is under it; else it stands still, as what is on the lens.
        keeps: whether it takes away from the mask, in place of adding.
        first, last: the frames that it is for; None: from the first on, to the last.
        keys: the frames in which it was drawn.
    """

    number: int
    name: str
    moves: bool = True
    keeps: bool = False
    first: int | None = None
    last: int | None = None
    keys: list[int] = field(default_factory=list)

    def covers(self, frame: int) -> bool:
        return (self.first or 0) <= frame and (self.last is None or frame <= self.last)

    def key_of(self, frame: int) -> int | None:
        """The key frame that a frame's mask is of, where the layer stands still: the last before it, or the first.

        >>> [Layer(0, "lens", moves=False, keys=[3, 6]).key_of(frame) for frame in (0, 5, 6)]
        [3, 3, 6]
        """
        before = [key for key in self.keys if key <= frame]
        return max(before) if before else min(self.keys, default=None)


class Edits:
    """The corrections of one video.

    Args:
        folder: where they are kept; what is there is read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.decisions: dict[str, Decision] = {}
        self.layers: dict[int, Layer] = {}
        self._carried: dict[int, dict[int, bytes]] = {}  # by layer and frame, a PNG
        try:
            saved = json.loads((folder / "edits.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        self.decisions = {name: Decision(**one) for name, one in saved["decisions"].items()}
        for one in saved["layers"]:
            self.layers[one["number"]] = Layer(**one)
            self._carried[one["number"]] = _load(self._bundle(one["number"]))

    def save(self) -> None:
        saved = {
            "decisions": {name: asdict(one) for name, one in self.decisions.items()},
            "layers": [asdict(layer) for layer in self.layers.values()],
        }
        write_whole(self._folder / "edits.json", json.dumps(saved))

    def decide(self, name: str, remove: bool, grow: int) -> None:
        self.decisions[name] = Decision(remove, max(0, min(grow, MOST_GROWTH)))
        self.save()

    def layer(self, number: int) -> Layer:
        """Raises NotHere: there is none of this number."""
        if number not in self.layers:
            raise NotHere("no such layer; load the page again")
        return self.layers[number]

    def add(self, *, name: str = "", moves: bool = True, keeps: bool = False) -> Layer:
        number = max(self.layers, default=0) + 1
        self.layers[number] = Layer(number, name or f"layer {number}", moves, keeps)
        self.save()
        return self.layers[number]

    def change(self, number: int, **values: Any) -> Layer:
        """Set some of a layer's `name`, `moves`, `keeps`, `first` and `last`.

        Raises:
            ConfigError: it ends before it begins.
        """
        layer = self.layer(number)
        for name, value in values.items():
            setattr(layer, name, value)
        if layer.first is not None and layer.last is not None and layer.last < layer.first:
            layer.last = None
            raise ConfigError(f"{layer.name} would end before frame {layer.first}, where it begins; choose a later one")
        if "moves" in values:
            self.carry(number, {})
        self.save()
        return layer

    def remove(self, number: int) -> None:
        for key in self.layer(number).keys:
            self._path(number, key).unlink(missing_ok=True)
        self.carry(number, {})
        del self.layers[number]
        self.save()

    def draw(self, number: int, frame: int, mask: np.ndarray) -> None:
        """Make a frame of a layer a key frame: bool `H W`."""
        layer = self.layer(number)
        path = self._path(number, frame)
        part = path.with_suffix(".part")
        part.write_bytes(png(mask.astype(np.uint8) * np.uint8(255)))
        part.replace(path)
        layer.keys = sorted({*layer.keys, frame})
        self.carry(number, {})
        self.save()

    def undraw(self, number: int, frame: int) -> None:
        """Make it a frame like others again."""
        layer = self.layer(number)
        layer.keys = [key for key in layer.keys if key != frame]
        self.carry(number, {})
        self.save()
        self._path(number, frame).unlink(missing_ok=True)

    def drawn(self, number: int, frame: int) -> np.ndarray:
        """What is drawn in a key frame: bool `H W`."""
        mask = unpng(self._path(number, frame).read_bytes())
        assert mask is not None, "it was written by this module"
        return mask > 127

    def carry(self, number: int, masks: Mapping[int, np.ndarray]) -> None:
        """What a layer is, bool `H W`, in the frames that it was carried to; nothing of before is left."""
        carried = {frame: png(mask.astype(np.uint8) * np.uint8(255)) for frame, mask in masks.items()}
        self._carried[number] = carried
        path = self._bundle(number)
        if not carried:
            path.unlink(missing_ok=True)
            return
        part = path.with_name(f".{path.name}.part.npz")
        arrays = {str(frame): np.frombuffer(data, np.uint8) for frame, data in carried.items()}
        np.savez(part, allow_pickle=False, **arrays)
        part.replace(path)

    def carried(self, number: int, frame: int) -> np.ndarray | None:
        """What a layer is in a frame, bool `H W`; None: it was not carried there."""
        data = self._carried.get(number, {}).get(frame)
        mask = unpng(data) if data else None
        return None if mask is None else mask > 127

    def _path(self, number: int, frame: int) -> Path:
        return self._folder / f"{number}_{frame:07}.png"

    def _bundle(self, number: int) -> Path:
        return self._folder / f"{number}.npz"


def _load(path: Path) -> dict[int, bytes]:
    try:
        with open(path, "rb") as file, np.load(file) as archive:
            return {int(frame): bytes(data) for frame, data in archive.items()}
    except (OSError, ValueError, BadZipFile):
        return {}
