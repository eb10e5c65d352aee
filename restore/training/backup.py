"""Where a training's weights go, without losing the weights that stood there before."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def set_aside(path: Path, run_dir: Path) -> None:
    """Move weights (a file or a folder) at `path` that another run wrote to `NAME.replaced.pth` (then
    `NAME.replaced-2.pth`, ...).

    A run notes in `run_dir` where it writes, so that it goes on replacing its own weights, also after a resume.
    """
    mark = run_dir / f"{path.stem}.written"
    place = str(path.resolve())
    if path.exists() and not (mark.is_file() and mark.read_text() == place):
        number = 1
        while (
            aside := path.with_name(f"{path.stem}.replaced{f'-{number}' if number > 1 else ''}{path.suffix}")
        ).exists():
            number += 1
        path.rename(aside)
        log.info("the weights that were here are now %s", aside)
    mark.write_text(place)
