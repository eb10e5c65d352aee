"""A run's state on disk: everything that the next step depends on. Written whole, read without running code."""

import logging
from pathlib import Path
from typing import Any, Protocol

from restore.errors import WeightsError
from restore.models.weights import load_whole, save_whole

log = logging.getLogger(__name__)


class Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


def save_checkpoint(path: Path, step: int, parts: dict[str, Stateful]) -> None:
    """Write the state of every part, and the number of steps done.

    Random numbers need no state: every step seeds its own from (seed, process, step).
    """
    save_whole(path, {"step": step, **{name: part.state_dict() for name, part in parts.items()}})


def resume(path: Path, parts: dict[str, Stateful]) -> int:
    """Bring every part to where the checkpoint left it. Returns the number of steps done: 0 without a checkpoint.

    Raises:
        WeightsError: the checkpoint is broken, or of models of another shape.
    """
    if not path.is_file():
        return 0
    content = load_whole(path)
    try:
        for name, part in parts.items():
            part.load_state_dict(content[name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the run began with other settings; give those again, or another --run_dir to begin anew: {path}"
        ) from error
    step = int(content["step"])
    log.info("resumed after step %d: %s", step, path)
    return step
