"""Which tags still hold for a restored copy, and which of them the output's container loses.

What a container of FFmpeg holds is asked of FFmpeg itself: a tiny file with the tags is written into memory and read
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from typing import Any

import av

# What describes the old file or its encoder, and would be a lie about the new one.
OWN_TAGS = {"encoder", "software", "duration", "rotate", "vendor_id", "alpha_mode", "compressorname"}
OWN_TAGS |= {"major_brand", "minor_version", "compatible_brands"}
# Of a stream's tags, those that a person would miss.
STREAM_TAGS = {"timecode", "title", "language", "stereo_mode", "reel_name"}
UNDETERMINED = "und"  # the language that no one has chosen (ISO 639-2)
# QuickTime's own keys and any others, in place of the few that iTunes knows.
ANY_KEY = {"movflags": "use_metadata_tags"}


def kept_tags(metadata: Mapping[str, str]) -> dict[str, str]:
    """The tags that still hold for a restored copy."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in OWN_TAGS and not key.startswith(("_STATISTICS", "BPS", "NUMBER_OF_"))
    }


@dataclass(frozen=True)
class Tags:
    """The tags of a file, those of its picture stream, and its chapters, as PyAV has them."""

    file: dict[str, str]
    picture: dict[str, str]
    chapters: list[Any] = field(default_factory=list)


def lost_tags(tags: Tags, container: str) -> tuple[list[str], dict[str, str]]:
    """What of `tags` FFmpeg's muxer `container` loses, by name, and the muxer's options with which it loses least.

    >>> lost_tags(Tags({"title": "A walk"}, {"timecode": "01:00:00:00"}), "mp4")
    ([], {})
    >>> lost_tags(Tags({}, {"timecode": "01:00:00:00"}), "avi")
    (['timecode'], {})
    """
    lost = _lost(tags, container, {})
    if lost and container in ("mp4", "mov"):
        with_any_key = _lost(tags, container, ANY_KEY)
        if len(with_any_key) < len(lost):
            return with_any_key, dict(ANY_KEY)
    return lost, {}


def _lost(tags: Tags, container: str, options: dict[str, str]) -> list[str]:
    file = BytesIO()
    with av.open(file, "w", format=container, container_options=options) as output:
        stream = output.add_mux_stream("vp8" if container == "webm" else "mjpeg", Fraction(25), width=16, height=16)
        stream.time_base = Fraction(1, 25)
        output.metadata.update(tags.file)
        stream.metadata.update(tags.picture)
        output.set_chapters(tags.chapters)
        packet = av.Packet(bytes(16))
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, stream.time_base
        packet.duration, packet.is_keyframe = 1, True
        output.mux(packet)
    file.seek(0)
    with av.open(file, metadata_errors="replace") as written:
        held = {key.lower(): value for key, value in written.metadata.items()}
        held_by_picture = {key.lower(): value for key, value in written.streams[0].metadata.items()}
        lost = [key for key, value in tags.file.items() if held.get(key.lower()) != value]
        for key, value in tags.picture.items():
            stated = key.lower() in STREAM_TAGS and value != UNDETERMINED
            if stated and (held_by_picture | held).get(key.lower()) != value:
                lost.append(key)
        return lost + ["chapters"] * (len(written.chapters()) < len(tags.chapters))
