"""What is done of a video that is being restored: another run of the same command goes on behind it.

    .STEM.restoring/           next to the output STEM.EXT; a finished run leaves none
        00001.output.coded     the coded pictures of the first segment, as they stand in the output; of each file
        00001.state.npz        what restoring needs behind it, and the report's sums; of the last two segments
        00001.json             its entry: digests of both, times of the pictures, settings and versions; written last
        .STEM.NUMBER.EXT       files that are being written

An entry counts if it is sealed, and all that it names has its digest. Nothing is unpickled.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from restore.errors import RestoreError, VideoError
from restore.inference.report import seal
from restore.propagation.state import State
from restore.video.coded import CodedFiles, digest
from restore.video.files import shortened
from restore.video.opening import reason

# Frames after which a segment ends. Each begins with a key frame, as H.264 has them every 250 frames anyway; a CPU
# takes a minute for it at 320x240. Cores of propagation, 6 to 48 frames, divide it at the usual sizes.
SEGMENT = 240
STATES = 2  # that are kept: the last entry may be damaged
ENTRY = {"identity", "frames", "begin", "segments", "state", "sha256", "seal"}
LOCK = "lock"
CLAIM = "finishing"  # a file: what has the final names is of the run that is not finished


@dataclass(frozen=True)
class Done:
    """What an earlier run has done.

    Attributes:
        frames: how many.
        begin: the frame to begin to read at.
        segments: of each file by its role what `VideoWriter.end_segment` returned, in order.
        state: behind the frames; None where a scene ended.
        totals: of `Totals.state`.
    """

    frames: int
    begin: int
    segments: dict[str, list[dict[str, Any]]]
    state: State | None
    totals: dict[str, Any]


class Journal:
    """A context manager: it takes the folder for itself, and removes it at the end, but for what a run that did not
    finish has done.

    Args:
        output: the video that is written.
        anew: forget what an earlier run has done.

    Raises:
        VideoError: the folder cannot be written, or another process restores to the same output.
    """

    def __init__(self, output: Path, *, anew: bool = False) -> None:
        self.output, self.folder = output, journal_folder(output)
        self._lock = _locked(self.folder, output)
        self._number = 0  # of the last segment that is done
        self._identity: dict[str, Any] | None = None
        self._files: dict[str, CodedFiles] = {}
        self._finished = False
        for path in self.folder.iterdir():
            # What was being written when it was killed goes, and what no journal holds.
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (LOCK, CLAIM) and (anew or path.suffix not in (".json", ".npz", ".coded")):
                path.unlink()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for files in self._files.values():
                with suppress(OSError):  # of a full disk, which has been reported; what was not a whole segment is lost
                    files.close()
            if self._finished or not any(self.folder.glob("*.json")):
                with suppress(FileNotFoundError):  # it was removed while it was written to
                    shutil.rmtree(self.folder)
        finally:
            self._lock.close()

    def files(self, role: str) -> CodedFiles:
        """Where a writer puts its coded pictures; asked for before `last`."""
        return self._files.setdefault(role, CodedFiles(self.folder, role))

    def last(self, identity: Callable[[], dict[str, Any]]) -> tuple[Done | None, str | None]:
        """What an earlier run has done, if it was of the same `identity` (digests of what goes in, settings, versions),
        which is computed only if there is something; and a line on why that cannot be used.
        """
        entries = list(self._entries())
        if not entries:
            return None, "what was done is damaged" if any(self.folder.glob("*.json")) else None
        self._identity = identity()
        if changed := differences(entries[0]["identity"], self._identity):
            return None, "; ".join(changed)
        count = len(entries)
        while count and digest(self.folder / entries[count - 1]["state"]) != entries[count - 1]["sha256"]:
            count -= 1
        left = len(list(self.folder.glob("*.json"))) - count
        note = f"{left} {'segments are' if left > 1 else 'segment is'} damaged and made again" if left else None
        if not count:
            return None, note
        self._number = count
        for files in self._files.values():
            files.number = count + 1
        with np.load(self.folder / entries[count - 1]["state"]) as file:
            arrays = dict(file)
        totals = json.loads(bytes(arrays.pop("totals")))
        segments = {role: [entry["segments"][role] for entry in entries[:count]] for role in self._files}
        state = State.of(arrays) if arrays else None
        return Done(entries[count - 1]["frames"], entries[count - 1]["begin"], segments, state, totals), note

    def add(
        self,
        identity: Callable[[], dict[str, Any]],
        *,
        frames: int,
        begin: int,
        segments: dict[str, dict[str, Any]],
        state: State | None,
        totals: dict[str, Any],
    ) -> None:
        """A segment is done; the arguments are as in `Done`, `segments` those of this one.

        Raises:
            RestoreError: the disk is full.
        """
        self._identity = self._identity or identity()
        number = self._number + 1
        name = f"{number:05}"
        try:
            # Of another run, or damaged: that was kept until now, when there is something in its place.
            for path in self.folder.glob("[0-9]*.*"):
                if int(path.name.partition(".")[0]) >= number and path.suffix != ".part":
                    path.unlink()
            arrays = state.arrays() if state else {}
            arrays["totals"] = np.frombuffer(json.dumps(totals).encode(), np.uint8)
            with open(self.folder / f"{name}.state.npz", "wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)  # less than half as much, in 0.2 s at 320x240
                _synced(file)
            for files in self._files.values():
                files.keep()
            entry: dict[str, Any] = {
                "identity": self._identity,
                "frames": frames,
                "begin": begin,
                "segments": segments,
                "state": f"{name}.state.npz",
                "sha256": digest(self.folder / f"{name}.state.npz"),
            }
            part = self.folder / f"{name}.part"
            with open(part, "w", encoding="utf-8") as text:
                json.dump(entry | {"seal": seal(entry)}, text)
                _synced(text)
            part.replace(self.folder / f"{name}.json")
            (self.folder / f"{number - STATES:05}.state.npz").unlink(missing_ok=True)
        except OSError as error:
            raise RestoreError(f"writing stopped ({reason(error)}); make room: {self.output}") from error
        self._number = number

    def claim(self) -> None:
        """What stands under the final names from now on may be replaced by a run that goes on, until this one ends."""
        try:
            (self.folder / CLAIM).touch()
        except OSError as error:
            raise RestoreError(f"writing stopped ({reason(error)}); the same command goes on: {self.output}") from error

    def finish(self) -> None:
        """Nothing is left to do."""
        self._finished = True

    def _entries(self) -> Iterator[dict[str, Any]]:
        """The whole ones, from the first on."""
        for number in range(1, 1 + len(list(self.folder.glob("*.json")))):
            try:
                entry = json.loads((self.folder / f"{number:05}.json").read_text(encoding="utf-8"))
                whole = entry["seal"] == seal(entry) and entry.keys() >= ENTRY
                coded = [segment["coded"] for segment in entry["segments"].values()] if whole else []
                whole = whole and all(digest(self.folder / one["file"]) == one["sha256"] for one in coded)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return
            if not whole:
                return
            yield entry


def journal_folder(output: Path) -> Path:
    """Where the journal of an output lies.

    >>> journal_folder(Path("out/clip_restored.mp4")).as_posix()
    'out/.clip_restored.restoring'
    """
    return output.with_name(f".{shortened(output.stem)}.restoring")


def is_claimed(output: Path) -> bool:
    """Whether a run that did not finish has written what has the name of `output`, if there is anything."""
    return (journal_folder(output) / CLAIM).exists()


def forget(output: Path) -> None:
    """Remove the journal of an output, if there is one."""
    shutil.rmtree(journal_folder(output), ignore_errors=True)


def _locked(folder: Path, output: Path) -> IO[bytes]:
    if not folder.parent.is_dir():
        raise VideoError(f"no such folder to write to: {folder.parent}; create it first: {output}")
    try:
        folder.mkdir(exist_ok=True)
        lock = open(folder / LOCK, "wb")  # noqa: SIM115
    except OSError as error:
        raise VideoError(
            f"the folder cannot be written ({reason(error)}); choose another, or give write permission: {output}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
    except OSError as error:
        lock.close()
        why = f"the storage cannot lock a file ({reason(error)}); mount it with locks (Lustre: flock)"
        if isinstance(error, BlockingIOError):
            why = "another process is restoring to this file; wait until it has finished"
        raise VideoError(f"{why}: {output}") from error
    return lock


def _synced(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What has changed, a phrase each: what is short with both its values."""
    lines = []
    for name in dict.fromkeys([*then, *now]):
        old, new = then.get(name), now.get(name)
        if old != new:
            short = max(len(str(old)), len(str(new))) < 30
            lines.append(f"{name} was {old} and is {new}" if short else f"the {name} has changed")
    return lines
