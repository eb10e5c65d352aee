"""The files of a folder and its subfolders, links followed once."""

import warnings
from collections import deque
from pathlib import Path


def files_in(folder: Path) -> list[Path]:
    """All files, sorted; hidden ones (a leading dot) are left out, and so are hidden folders.

    Links are followed. A link to what is in the folder already (a loop is one), a link to nothing and a folder that may
    not be read are left out, with a warning that names them.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    links: deque[Path] = deque()
    _walk(folder, found, seen, links)
    while links:  # after all that is no link, so that of two ways to a file the one without links counts
        link = links.popleft()
        try:
            status = link.stat()
        except OSError as error:
            warnings.warn(f"left out, a link that leads nowhere ({error.strerror}): {link}", stacklevel=2)
            continue
        if (status.st_dev, status.st_ino) in seen:
            warnings.warn(f"left out, a link to what is in the folder already: {link}", stacklevel=2)
            continue
        _walk(link, found, seen, links)
    return sorted(found)


def _walk(path: Path, found: list[Path], seen: set[tuple[int, int]], links: deque[Path]) -> None:
    status = path.stat()
    seen.add((status.st_dev, status.st_ino))
    if path.is_file():
        found.append(path)
    elif path.is_dir():
        try:
            children = sorted(path.iterdir())
        except OSError as error:
            warnings.warn(f"left out, a folder that cannot be read ({error.strerror}): {path}", stacklevel=3)
            return
        for child in children:
            if child.name.startswith("."):
                continue
            if child.is_symlink():
                links.append(child)
            else:
                _walk(child, found, seen, links)
