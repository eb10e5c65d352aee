"""Where a training's weights go: what another run left there becomes a backup."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def back_up(path: Path, run_dir: Path) -> None:
    """Move weights (a file or a folder) at `path` that another run wrote to `NAME.backup.pth` (then
    `NAME.backup-2.pth`, ...).

    A run notes in `run_dir` where it writes, so that it goes on replacing its own weights, also after a resume.
    """
    mark = run_dir / f"{path.stem}.written"
    place = str(path.resolve())
    if path.exists() and not (mark.is_file() and mark.read_text() == place):
        number = 1
        while (
            backup := path.with_name(f"{path.stem}.backup{f'-{number}' if number > 1 else ''}{path.suffix}")
        ).exists():
            number += 1
        path.rename(backup)
        log.info("the weights that were here are now %s", backup)
    mark.write_text(place)
