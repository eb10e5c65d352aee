"""Real, tiny videos for the tests, written with PyAV alone (not with the code under test)."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

BY_SUFFIX = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx-vp9"}
AUDIO = {".mp4": "aac", ".mov": "aac", ".mkv": "aac", ".avi": "libmp3lame", ".webm": "libopus"}
OPTIONS = {
    "libx264": {"crf": "8", "preset": "ultrafast"},
    "libvpx-vp9": {"crf": "8", "deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {"global_quality": "118", "qmin": "1", "flags": "+qscale"},
}
EXACT = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
VFR = (0, 40, 80, 95, 200, 201, 320, 500, 507, 600)  # milliseconds


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth coloured picture, uint8 RGB `H W 3`, another one for every index, alike in no corner."""
    y, x = np.mgrid[0:height, 0:width] / 48
    waves = np.stack([np.sin(2 * x + y + index / 9), np.cos(x - 2 * y + index / 7), np.sin(x + y + 2 + index / 5)], -1)
    return (128 + 90 * waves).round().astype(np.uint8)


def make_video(
    path: Path,
    pts: Iterable[int] = range(10),
    *,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction | int = 25,
    size: tuple[int, int] = (64, 48),
    codec: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    colorspace: int = 2,
    color_range: int = 0,
    rotation: tuple[float, bool] | None = None,
    audio: float | None = None,
    subtitles: Sequence[tuple[int, int, str]] = (),
    metadata: dict[str, str] | None = None,
    chapters: bool = False,
    attachment: bytes | None = None,
) -> Path:
    """Write the pictures `picture(0), picture(1), ...` at the given times, and return `path`.

    `audio` is the length of a sine tone in seconds; `subtitles` are (start, end, text) in milliseconds; `colorspace` and
    `color_range` are H.273 codes (2 and 0: not stated, FFmpeg then takes BT.601, limited).
    """
    codec = codec or BY_SUFFIX[path.suffix]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(
            codec,
            rate=rate,
            time_base=time_base,
            width=size[0],
            height=size[1],
            options=OPTIONS.get(codec, {}) | (options or {}),
        )
        stream.pix_fmt = pix_fmt
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, color_range
        if rotation:
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        if chapters:
            milli = Fraction(1, 1000)
            names = enumerate(("One", "Two"))
            container.set_chapters(
                [{"id": i, "start": i * 100, "end": i * 100 + 100, "time_base": milli, "metadata": {"title": t}} for i, t in names]
            )
        if attachment is not None:
            container.add_attachment("font.ttf", "application/x-truetype-font", attachment)
        packets = list(_tone(container, AUDIO[path.suffix], audio)) if audio else []
        packets += _texts(container, path, subtitles) if subtitles else []
        container.start_encoding()
        reformatter = VideoReformatter()
        for index, stamp in enumerate(pts):
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24"),
                format=pix_fmt,
                dst_colorspace={2: 5, 6: 5}.get(colorspace, colorspace),
                dst_color_range=color_range or 1,
                interpolation=EXACT,
            )
            frame.pts, frame.time_base = stamp, time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """The (time in seconds, content) of every packet of the streams of `kind` ("audio", "subtitle")."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        packets = container.demux(streams) if streams else []
        return [(p.pts * p.time_base, bytes(p)) for p in packets if p.pts is not None]


def cut_in_half(path: Path) -> Path:
    """The first half of the bytes of a file, beside it."""
    half = path.with_name(f"half_of_{path.name}")
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return half


def _tone(container: av.container.OutputContainer, codec: str, seconds: float) -> list[av.Packet]:
    rate = 48000
    stream = container.add_stream(codec, rate=rate)
    stream.codec_context.open()
    length = stream.codec_context.frame_size or 1024
    packets = []
    for start in range(0, int(seconds * rate), length):
        wave = 8000 * np.sin(np.arange(start, start + length) * 2 * np.pi * 440 / rate)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).repeat(2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _texts(
    container: av.container.OutputContainer, path: Path, subtitles: Sequence[tuple[int, int, str]]
) -> list[av.Packet]:
    mov = path.suffix in (".mp4", ".mov")
    stream = container.add_mux_stream("mov_text" if mov else "subrip", time_base=Fraction(1, 1000))
    stream.metadata["language"] = "deu"
    packets = []
    for start, end, text in subtitles:
        data = text.encode()
        packet = av.Packet(len(data).to_bytes(2, "big") + data if mov else data)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = start
        packet.duration = end - start
        packets.append(packet)
    return packets
