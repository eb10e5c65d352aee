"""Whether a file is encrypted, by what its container says; to FFmpeg it looks damaged, or of unknown codec."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from restore.video import matroska, mp4
from restore.video.truncation import BOXES

START = 1 << 21  # bytes that are looked at of streams without a header
TS_PACKET, TS_SYNC, NULL_PID = 188, 0x47, 0x1FFF
SECTOR = 2048  # bytes of a DVD, each with a pack
SCRAMBLED = 0.05  # of packets or sectors at least: flags of damaged ones are chance
ASF = UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
ASF_ENCRYPTIONS = [
    UUID(name).bytes_le for name in ("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e", "298ae614-2622-4c17-b935-dae07ee9289c")
]


def is_encrypted(path: Path) -> bool:
    """Whether a picture or a sound in an MP4, MOV, Matroska, WebM, transport stream, VOB or WMV is encrypted."""
    with open(path, "rb") as file:
        head = file.read(16)
        if head[4:8] in BOXES:
            return mp4.is_encrypted(path)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return matroska.is_encrypted(path)
        file.seek(0)
        start = file.read(START)
    if start.startswith(ASF):
        return any(name in start for name in ASF_ENCRYPTIONS)
    if start.startswith(b"\0\0\1\xba"):
        return _share(start, 0, SECTOR, _is_scrambled_sector) > SCRAMBLED
    offset, length = (4, TS_PACKET + 4) if start[:1] != bytes([TS_SYNC]) else (0, TS_PACKET)
    if all(start[at : at + 1] == bytes([TS_SYNC]) for at in range(offset, min(len(start), 8 * length), length)):
        return _share(start, offset, length, _is_scrambled_packet) > SCRAMBLED
    return False


def _share(data: bytes, offset: int, length: int, is_scrambled: Callable[[bytes], bool]) -> float:
    units = [data[at : at + length] for at in range(offset, len(data) - length + 1, length)]
    return sum(map(is_scrambled, units)) / max(1, len(units))


def _is_scrambled_packet(packet: bytes) -> bool:
    """ISO/IEC 13818-1, 2.4.3.2: transport_scrambling_control."""
    pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
    return packet[0] == TS_SYNC and pid != NULL_PID and bool(packet[3] & 0xC0)


def _is_scrambled_sector(sector: bytes) -> bool:
    """A pack of a DVD, and PES_scrambling_control of its packet."""
    packet = sector[14 + (sector[13] & 7) :]
    is_stream = packet[:3] == b"\0\0\1" and (packet[3] == 0xBD or 0xC0 <= packet[3] <= 0xEF)
    return sector[:4] == b"\0\0\1\xba" and is_stream and packet[6] & 0xC0 == 0x80 and bool(packet[6] & 0x30)
