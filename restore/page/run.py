"""The command line as a process of its own: its progress as its bar states it, its messages, Ctrl-C."""

import errno
import fcntl
import os
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from dataclasses import dataclass

COLUMNS = 400  # of its terminal: a name of 255 letters is no reason to cut the numbers off
BAR = re.compile(r"(\d+)/(\d+) \[[\d:]+<([\d:?]+), .*frames")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # that move the cursor


@dataclass(frozen=True)
class Progress:
    """How far it is, in frames; `left` is the time that it will take, as the bar states it."""

    done: int
    total: int
    left: str

    @classmethod
    def of(cls, line: str) -> "Progress | None":
        """What a bar states; None if the line is none.

        >>> Progress.of("clip.mp4:  50%|#####     | 12/24 [00:03<00:04,  3.51 frames/s]")
        Progress(done=12, total=24, left='00:04')
        """
        bars = BAR.findall(line)
        return cls(int(bars[-1][0]), int(bars[-1][1]), bars[-1][2]) if bars else None


class Run:
    """A running process. It has a terminal, without which it shows no bar."""

    def __init__(self, command: list[str]) -> None:
        self._terminal, side = os.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        try:
            # A session of its own: Ctrl-C in the page's terminal is the page's to pass on.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=side, stderr=side, start_new_session=True
            )
        finally:
            os.close(side)

    def lines(self) -> Iterator[str]:
        """What it writes, bars too, until it ends."""
        rest = ""
        while data := self._read():
            *lines, rest = re.split(r"[\r\n]+", rest + CODES.sub("", data.decode(errors="replace")))
            yield from (line for line in lines if line.strip())
        if rest.strip():
            yield rest

    def interrupt(self) -> None:
        """As Ctrl-C: what is done is kept. Not by its signal, ignored where the page began in the background."""
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> int:
        """Its exit code, once `lines` has ended."""
        code = self._process.wait()
        os.close(self._terminal)
        return code

    def _read(self) -> bytes:
        try:
            return os.read(self._terminal, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side is closed
                return b""
            raise
