"""Arrays of frames that wait, in files rather than in memory: they are read again, page by page, where they are used.

    frame ──> put ──> its arrays are views of files without names ──> used: pages come in ──> rest: pages go out

What is written to such a file remains in the system's page cache as long as nothing else needs that memory. An array
lies in its file until it is freed, and the file goes with it, however the process ends.
"""

import mmap
import tempfile
import weakref
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from restore.errors import RestoreError

LEAST = 1 << 20  # bytes of an array that are worth a file

T = TypeVar("T")


class Shelf:
    """The arrays that lie in files of one folder; for all threads.

    >>> from restore.frame import Frame
    >>> shelf, frame = Shelf(Path(tempfile.gettempdir())), Frame(np.full((1080, 1920, 3), 7, np.uint8))
    >>> shelf.put(frame) is frame, frame.image.mean().item(), frame.image.flags.writeable
    (True, 7.0, False)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maps = weakref.WeakSet[mmap.mmap]()

    def put(self, record: T) -> T:
        """The record itself, once its arrays, and those of dataclasses in it, are read-only and lie in files.

        Raises:
            RestoreError: the disk is full.
        """
        for name, value in list(vars(record).items()):
            if isinstance(value, np.ndarray):
                vars(record)[name] = self.array(value)  # a frozen record is the same with it
            elif is_dataclass(value) and hasattr(value, "__dict__"):
                self.put(value)
        return record

    def array(self, array: np.ndarray) -> np.ndarray:
        """The array in a file, if it does not lie in one and is large."""
        if array.nbytes < LEAST or _lies_in_file(array):
            return array
        array = np.ascontiguousarray(array)
        try:
            with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
                view = array.reshape(-1).view(np.uint8).data
                while len(view):
                    view = view[file.write(view) :]
                mapped = mmap.mmap(file.fileno(), array.nbytes, access=mmap.ACCESS_READ)
        except OSError as error:
            raise RestoreError(
                f"what waits cannot be written ({error.strerror}); make room, or give more memory: {self._folder}"
            ) from error
        self._maps.add(mapped)
        return np.frombuffer(mapped, array.dtype).reshape(array.shape)

    def rest(self) -> None:
        """No array takes memory until it is used again."""
        for mapped in list(self._maps):
            mapped.madvise(mmap.MADV_DONTNEED)


def _lies_in_file(array: np.ndarray) -> bool:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base.obj if isinstance(base, memoryview) else base, mmap.mmap)
