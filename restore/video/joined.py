"""Sound of recordings that were joined: its times are moved as those of the picture are."""

from fractions import Fraction

from av.packet import Packet

from restore.video.info import JOINABLE, VideoInfo
from restore.video.place import Place
from restore.video.timestamps import AHEAD, BACK


class JoinedSound:
    """Notices where the times of a stream start anew, and takes from the reader's `info` by how much they are moved."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._leaps = info.container in JOINABLE
        self._last: dict[int, Fraction] = {}  # the end of the last packet of each stream, in the input's time
        self._seams: dict[int, int] = {}  # how many each stream has passed
        self._moves: dict[tuple[int, int], Fraction] = {}  # of seams that the picture does not have

    def move(self, packet: Packet, *, last: bool) -> Fraction | None:
        """Seconds to add to the times of a packet; None if the picture has not come so far.

        Args:
            last: the picture is complete; a seam that it does not have is closed.
        """
        index = packet.stream.index
        passed = self.place(packet).seam - (self._info.begins.seam if self._info.begins else 0)
        if passed <= len(self._info.moves):
            return self._move_of(passed)
        if not last:
            return None
        start = decoding_time(packet) * packet.time_base
        before = self._moves.get((index, passed - 1), self._move_of(passed - 1))
        return self._moves.setdefault((index, passed), before + self._last[index] - start)

    def place(self, packet: Packet) -> Place:
        """Where the next packet of a stream is in the file."""
        seam = self._seams.get(packet.stream.index, 0) + self._is_seam(packet)
        return Place(seam, decoding_time(packet) * packet.time_base)

    def leave_out(self, packet: Packet) -> None:
        """Note a packet that is not written."""
        index = packet.stream.index
        self._seams[index] = self.place(packet).seam
        self._last[index] = (decoding_time(packet) + (packet.duration or 0)) * packet.time_base

    def take(self, packet: Packet, move: Fraction) -> None:
        """Move the times of a packet that is written next."""
        self.leave_out(packet)
        ticks = round(move / packet.time_base)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def _move_of(self, seam: int) -> Fraction:
        """What is added to times after a seam, counted from 1; 0 is the part's begin."""
        moves = [0, *self._info.moves]
        return (moves[seam] if seam < len(moves) else 0) * self._info.time_base - self._info.origin

    def _is_seam(self, packet: Packet) -> bool:
        last = self._last.get(packet.stream.index)
        if last is None:
            return False
        start = decoding_time(packet) * packet.time_base
        leaps = self._leaps and packet.stream.type == "audio" and start > last + AHEAD  # subtitles have pauses
        return leaps or start < last - BACK


def decoding_time(packet: Packet) -> int:
    """The dts, or the pts where a container stores one time for both; in units of the packet's time base."""
    time = packet.pts if packet.dts is None else packet.dts
    assert time is not None, "packets without any time are left out"
    return time
