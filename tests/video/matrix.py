"""The matrix of inputs that `test_matrix.py` goes through, and the table of `docs/formats.md` that follows from it.

python -m tests.video.matrix > docs/formats_table.md
"""

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from restore.video.files import output_path
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import MILLI, PICTURE, SOUND, UNEVEN, picture

PICTURES = PICTURE | {".ts": "libx264"}
SOUNDS = SOUND | {".ts": "mp2"}
QUALITY = {"libx264": {"crf": "12", "preset": "ultrafast"}, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}


@dataclass(frozen=True)
class Property:
    """What a file of the matrix has; `left` names the containers that cannot have it."""

    name: str
    options: dict[str, Any]
    left: frozenset[str] = frozenset()


PROPERTIES = [
    Property("plain, with sound", {}),
    Property("no sound", {"sounds": 0}),
    Property("two sounds", {"sounds": 2}),
    Property("pixels of 16:15", {"shape": Fraction(16, 15)}, frozenset({".webm"})),
    Property("pixels of 8:9", {"shape": Fraction(8, 9)}, frozenset({".webm"})),
    Property("BT.709, limited", {"colours": (1, 1, 1, 1)}),
    Property("BT.601, full range", {"colours": (6, 6, 6, 2)}),
    Property("30000/1001 a second", {"rate": Fraction(30000, 1001)}),
    Property("12.5 a second", {"rate": Fraction(25, 2)}),
    Property("B frames", {"encoder": {"bf": "3", "preset": "veryfast"}}, frozenset({".webm"})),
    Property("uneven times", {"times": UNEVEN}, frozenset({".avi"})),
    Property("starts late", {"times": tuple(range(400, 800, 40))}),
    Property("odd size", {"size": (97, 73)}),
    Property("10 bits", {"pix_fmt": "yuv420p10le"}, frozenset({".avi", ".webm"})),
    Property("last picture for 2 s", {"last": 2000}, frozenset({".avi", ".ts"})),
]
CASES = [
    (suffix, which) for suffix in sorted(PICTURES) for which in PROPERTIES if suffix not in which.left
]  # at least 60, which the test asserts


def make(path: Path, which: Property) -> Path:
    """The file of a property, 10 pictures of 96x72 unless it says otherwise."""
    options = which.options
    rate = options.get("rate", Fraction(25))
    codec = PICTURES[path.suffix]
    times = options.get("times")
    time_base = MILLI if times and path.suffix != ".avi" else 1 / rate
    stamps = [Fraction(time) * MILLI / time_base for time in times] if times else range(10)
    with av.open(str(path), "w", container_options={"avoid_negative_ts": "disabled"}) as container:
        extra = {"bf": "0"} | options.get("encoder", {}) if codec == "libx264" else {}
        width, height = options.get("size", (96, 72))
        stream = container.add_stream(
            codec, rate, QUALITY.get(codec, {}) | extra, width=width, height=height, time_base=time_base
        )
        context = stream.codec_context
        # H.264 has odd sizes in 4:4:4 alone.
        context.pix_fmt = "yuv444p" if width % 2 and codec == "libx264" else options.get("pix_fmt", "yuv420p")
        context.time_base = time_base
        context.sample_aspect_ratio = options.get("shape", Fraction(1))
        if "colours" in options:
            context.colorspace, context.color_primaries, context.color_trc, context.color_range = options["colours"]
        packets = []
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(index, width, height), format="rgb24")
            frame = frame.reformat(format=context.pix_fmt)
            frame.pts, frame.time_base = int(stamp), time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet in packets:
            packet.duration = packet.duration or round(1 / rate / packet.time_base)
            if "last" in options and packet.pts == max(int(stamp) for stamp in stamps):
                packet.duration = round(options["last"] * MILLI / packet.time_base)
        for _ in range(options.get("sounds", 1)):
            packets += _sound(container, SOUNDS[path.suffix])
        container.start_encoding()
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def rewritten(path: Path, folder: Path) -> tuple[Path, list[str]]:
    """Write a file anew => the output, and what is named as left out."""
    output = output_path(path, folder)
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts, frame.carried)
    return output, writer.left_out + writer.notes


def measured(path: Path) -> dict[str, Any]:
    """What of a file must not change."""
    with VideoReader(path) as reader:
        frames = list(reader)
    info = reader.info
    with av.open(str(path)) as container:
        kinds = ("audio", "subtitle")
        streams = [stream for stream in container.streams if stream.type in kinds]
        found: dict[int, list[bytes]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams) if streams else ():
            if packet.pts is not None:
                found[packet.stream.index].append(bytes(packet))
        duration = container.duration
    end = frames[-1].pts * frames[-1].time_base + frames[-1].carried.duration * frames[-1].time_base  # type: ignore[union-attr]
    return {
        "times": [frame.pts * frame.time_base for frame in frames],
        "end": end,
        "duration": Fraction(duration or 0, av.time_base),
        "shape": info.sample_aspect_ratio,
        "size": (info.width, info.height),
        "bits": info.bits,
        "colours": (info.colorspace, info.color_primaries, info.color_trc, max(1, info.color_range)),
        "sound": list(found.values()),
    }


def table() -> str:
    """What goes in, what comes out, and what is named, a row for each container and property."""
    rows = ["| in | with | out | named as left out |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix, which in CASES:
            path = make(folder / f"clip{suffix}", which)
            output, lines = rewritten(path, folder)
            rows.append(f"| {suffix} | {which.name} | {output.suffix} | {'; '.join(lines) or '-'} |")
            output.unlink()
    return "\n".join(rows)


def _sound(container: av.container.OutputContainer, codec: str) -> list[av.Packet]:
    stream = container.add_stream(codec, rate=48000)
    stream.codec_context.open()
    length = stream.codec_context.frame_size or 1024
    packets = []
    for start in range(0, 24_000, length):
        wave = (8000 * np.sin(np.arange(start, start + length) / 17)).astype(np.int16)
        tone = av.AudioFrame.from_ndarray(wave.repeat(2)[None], format="s16", layout="stereo")
        tone.sample_rate, tone.pts, tone.time_base = 48000, start, Fraction(1, 48000)
        packets += stream.encode(tone)
    return packets + stream.encode(None)


if __name__ == "__main__":
    print(table())
