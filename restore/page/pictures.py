"""Pictures to compare: original, degraded, restored, provenance, confidence, of a preview or of a result."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from restore.page.folder import NotHere
from restore.page.frame_store import FrameStore

if TYPE_CHECKING:  # PyTorch takes seconds to import, and the page is there before
    from restore.page.preview import Previewed


class Pictures(Protocol):
    """Frames `first` ... `first + count - 1` of a video, each as several pictures.

    Attributes:
        names: of the pictures.
    """

    @property
    def first(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def names(self) -> list[str]: ...

    def picture(self, name: str, frame: int) -> np.ndarray:
        """uint8 `H W 3`, RGB, or `H W`. Raises NotHere: there is no such picture."""
        ...


def about(pictures: Pictures) -> dict[str, Any]:
    """Plain values."""
    return {"first": pictures.first, "count": pictures.count, "names": pictures.names}


@dataclass
class OfPreview:
    """The pictures of a preview; of each frame 8 bytes a pixel are held."""

    first: int
    frames: "list[Previewed]"
    original: FrameStore | None = None

    @property
    def count(self) -> int:
        return len(self.frames)

    @property
    def names(self) -> list[str]:
        return ["original"] * (self.original is not None) + ["degraded", "restored", "provenance", "confidence"]

    def picture(self, name: str, frame: int) -> np.ndarray:
        if not 0 <= frame - self.first < self.count or name not in self.names:
            raise NotHere("no such picture in the preview")
        if name == "original":
            assert self.original is not None
            return self.original.frame(frame).image
        one = self.frames[frame - self.first]
        if name == "provenance":
            return _overlaid(one.restored, one.provenance)
        return np.asarray(getattr(one, name))


class OfResult:
    """The pictures of a restored video, from its files.

    Args:
        stores: by name; `provenance` and `confidence` are the files that the command line writes.
    """

    def __init__(self, stores: dict[str, FrameStore], count: int) -> None:
        self._stores = stores
        self.first, self.count = 0, count
        self.names = [*stores]

    def picture(self, name: str, frame: int) -> np.ndarray:
        if name not in self._stores:
            raise NotHere("no such picture of this result")
        image = self._stores[name].frame(frame).image
        if name == "provenance":
            return _overlaid(self._stores["restored"].frame(frame).image, np.ascontiguousarray(image[..., 0]))
        return image[..., 0] if name == "confidence" else image

    def close(self) -> None:
        for store in self._stores.values():
            store.close()


def of_result(output: Path, video: Path, original: Path | None, side: dict[str, Path], count: int) -> OfResult:
    """Open the files of a result, those that are there."""
    paths = {
        "original": original,
        "degraded": video,
        "restored": output,
        "provenance": side["provenance"],
        "confidence": side["confidence"],
    }
    return OfResult({name: FrameStore(path) for name, path in paths.items() if path and path.exists()}, count)


def _overlaid(image: np.ndarray, provenance: np.ndarray) -> np.ndarray:
    from restore.inference.overlay import overlay  # imports PyTorch

    return overlay(image, provenance)
