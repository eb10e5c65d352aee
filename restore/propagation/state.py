"""What propagation knows at a place within a scene, so that it can go on there in another process, bit for bit."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from restore.propagation.background import Background
from restore.propagation.memory import Memory


@dataclass(frozen=True)
class State:
    """All that the frames behind a place need of those before it, but for the last two; at most 58 bytes a pixel.

    Attributes:
        memory: what the past saw, aligned with the last frame, which it has taken up.
        background: after the frames behind the place that were read ahead; they do not vote again.
        drift: float64 `3 3`, of the camera since the background began, on lumas.
        first: the number of the next frame, counted from the scene's begin.
        images: uint8 `2 H W 3`, the last frames as they were generated, before the temporal filter; set by it, None
            where nothing is generated.
    """

    memory: Memory
    background: Background
    drift: np.ndarray
    first: int
    images: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays by name."""
        arrays = {"drift": self.drift, "first": np.array(self.first)}
        if self.images is not None:
            arrays["images"] = self.images
        for part in (self.memory, self.background):
            for field in fields(part):
                value = getattr(part, field.name)
                if value is not None:
                    arrays[_name(type(part), field.name)] = value
        return arrays

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "State":
        """From what `arrays` returned; what has other names is left alone.

        >>> state = State(Memory.empty(2, 3), Background.empty(2, 3), np.eye(3), 7)
        >>> again = State.of(state.arrays())
        >>> again.first, again.memory.colour.shape, again.memory.share is None
        (7, (2, 3, 3), True)
        """

        def part(kind: type) -> dict[str, np.ndarray]:
            names = {field.name: _name(kind, field.name) for field in fields(kind)}
            return {name: arrays[key] for name, key in names.items() if key in arrays}

        return cls(
            Memory(**part(Memory)),
            Background(**part(Background)),
            arrays["drift"],
            int(arrays["first"]),
            arrays.get("images"),
        )


def _name(kind: type, field: str) -> str:
    return f"{kind.__name__.lower()}_{field}"
