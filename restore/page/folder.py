"""The folder that the page serves: its videos by number, and where the page and its results write.

FOLDER/                    the videos, in subfolders too
    restored_videos/       results, by the command line
    .restore_page/         masks that runs take, what was corrected in each video, the queue
"""

import os
import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

from restore.errors import RestoreError, VideoError, printable
from restore.inference.report import is_result
from restore.video.files import is_video
from restore.video.reader import VideoReader
from restore.video.recognised import holds_video
from restore.video.walk import files_in

LONGEST = 200  # bytes of a name, of the 255 that it may have
ROOM = 64 * 2**20  # bytes that an upload leaves free on the disk


class NotHere(VideoError):
    """What is asked for is not in the folder."""


class NoRoom(VideoError):
    """It does not fit on the disk."""


class Folder:
    """The videos of a folder. A browser names them by numbers of the folder's own making, and never by a path.

    Args:
        root: it must exist.

    Raises:
        VideoError: the folder cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.results = self.root / "restored_videos"
        self.work = self.root / ".restore_page"
        try:
            self.work.mkdir(exist_ok=True)
        except OSError as error:
            raise VideoError(f"the folder cannot be written ({error.strerror}); choose another: {root}") from error

    def videos(self) -> dict[str, Path]:
        """The videos that may be restored, by number, sorted by name; none that a link leads out of the folder to."""
        found = [path for path in files_in(self.root) if path.resolve().is_relative_to(self.root)]
        found = [path for path in found if is_video(path) or holds_video(path)]
        return {self.number(path): path for path in found if not is_result(path)}

    def video(self, number: str) -> Path:
        """The video of a number.

        Raises:
            NotHere: there is none.
        """
        path = self.videos().get(number)
        if path is None:
            raise NotHere("no such video in the folder; load the page again")
        return path

    def number(self, path: Path) -> str:
        """The number of a file: made of its name, which may hold anything."""
        return sha256(os.fsencode(path.relative_to(self.root))).hexdigest()[:16]

    def name(self, path: Path) -> str:
        """What a file is called on the page."""
        return printable(path.relative_to(self.root).as_posix())

    def results_of(self, video: Path) -> Path:
        """The folder of its results: of `a/clip.mp4`, `restored_videos/a`, as the command line has it for folders."""
        return self.results / video.parent.relative_to(self.root)

    def work_of(self, video: Path) -> Path:
        """The folder of what was corrected in it; made if need be."""
        folder = self.work / self.number(video)
        folder.mkdir(exist_ok=True)
        return folder

    def room(self) -> int:
        """Bytes that may be uploaded."""
        return max(0, shutil.disk_usage(self.root).free - ROOM)

    def new(self, name: str) -> Path:
        """Where a file of that name may be written.

        Raises:
            VideoError: it has no such name, or there is one already.
        """
        plain = plain_name(name)
        path = self.root / plain
        if path.exists() or path.is_symlink():
            raise VideoError(f"there is a file of this name already; rename it: {plain}")
        return path


def plain_name(name: str) -> str:
    """The name of a file that is sent, without folders.

    Raises:
        VideoError: no file may be called that.

    >>> plain_name("C:\\\\videos\\\\clip.mp4"), plain_name("../../clip.mp4")
    ('clip.mp4', 'clip.mp4')
    """
    plain = Path(name.replace("\\", "/")).name
    if not plain or plain.startswith(".") or not plain.isprintable() or len(os.fsencode(plain)) > LONGEST:
        raise VideoError(f"a file cannot be called that; rename it: {name[:80]!r}")
    return plain


async def receive(folder: Folder, path: Path, parts: AsyncIterator[bytes], length: int | None) -> None:
    """Write a file that is uploaded; it appears whole or not at all.

    Args:
        length: in bytes, as the browser states it.

    Raises:
        NoRoom: it is larger than what the disk has left.
        RestoreError: it broke off, or cannot be written.
    """
    if length is not None and length > folder.room():
        raise NoRoom(f"the file has {length / 1e6:.1f} MB, the disk room for {folder.room() / 1e6:.1f}: {path.name}")
    part = path.with_name(f".{path.name[:120]}.{os.getpid()}.part")
    written = 0
    try:
        with open(part, "xb") as file:
            async for data in parts:
                if len(data) > folder.room():
                    raise NoRoom(f"the disk is full; make room: {path.name}")
                written += len(data)
                file.write(data)
        if length is not None and written != length:
            raise RestoreError(f"the upload broke off after {written} of {length} bytes; try again: {path.name}")
        part.replace(path)
    except OSError as error:
        raise RestoreError(f"the file cannot be written ({error.strerror}): {path.name}") from error
    finally:
        part.unlink(missing_ok=True)


def keep_if_video(path: Path) -> None:
    """Remove an uploaded file that is no video.

    Raises:
        VideoError: it is none; and says why.
    """
    try:
        VideoReader(path).close()
    except VideoError:
        path.unlink(missing_ok=True)
        raise
