"""Notice the frames that FFmpeg passes over when it meets damaged bytes and finds its way again further on.

AVI and Matroska are read on from the next place that makes sense, without an error. What was passed over shows in the
positions in the file: the index of an AVI knows of a frame between two that were read; in Matroska the bytes between
two packets, a handful otherwise, are many, and time jumps. An MP4 needs no check: its index says where packets lie.
"""

from fractions import Fraction

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from restore.video.info import average_rate

HOLE = 1024  # bytes; headers between two packets of Matroska take less than 50


class Continuity:
    """Show it every packet of the container in turn."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._format = container.format.name
        self._stream = stream
        self._frames = 0
        self._end_of_frame = 0  # bytes: where the last frame ends, and the last packet of any stream
        self._end_of_packet: int | None = None
        self._hole = False
        self._time: Fraction | None = None

    def broken_before(self, packet: Packet) -> bool:
        """Whether frames between the packets received before and this one were passed over."""
        if packet.pos is None or packet.dts is None:
            return False
        if self._end_of_packet is not None and packet.pos - self._end_of_packet > HOLE:
            self._hole = True
        self._end_of_packet = packet.pos + packet.size
        if packet.stream.index != self._stream.index:
            return False
        broken = self._frame_unread(packet.pos) if self._format == "avi" else self._time_jumps(packet)
        self._frames += 1
        self._end_of_frame = self._end_of_packet
        self._time = packet.dts * packet.time_base
        self._hole = False
        return broken

    def _frame_unread(self, position: int) -> bool:
        index = self._stream.index_entries
        if not 0 < self._frames < len(index):
            return False
        chunk = position - 8  # its header, where the index points
        return self._end_of_frame <= index[self._frames].pos < chunk

    def _time_jumps(self, packet: Packet) -> bool:
        if self._format != "matroska,webm" or not self._hole or self._time is None or packet.dts is None:
            return False
        return packet.dts * packet.time_base - self._time > Fraction(3, 2) / average_rate(self._stream)
