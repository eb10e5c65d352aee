"""Real, tiny videos for the tests, written with PyAV alone, not with the code under test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import Interpolation, VideoReformatter

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"  # real files, where this machine has them

ENCODERS = {
    "libx264": {"crf": "8", "preset": "ultrafast"},
    "libvpx-vp9": {"crf": "8", "deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {"global_quality": "118", "qmin": "1", "flags": "+qscale"},
}
PICTURE = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx-vp9"}
SOUND = {".mp4": "aac", ".mov": "aac", ".mkv": "aac", ".avi": "libmp3lame", ".webm": "libopus"}
CONTAINERS = sorted(PICTURE)
# Interpolate chroma and round: without these FFmpeg darkens the picture by more than a level.
EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
MILLI = Fraction(1, 1000)
UNEVEN = (0, 40, 80, 95, 200, 201, 320, 500, 507, 600)  # a variable frame rate, in milliseconds


@dataclass(frozen=True)
class Text:
    """A subtitle from `start` to `end`, in milliseconds."""

    start: int
    end: int
    text: str


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth coloured picture, uint8 RGB `H W 3`, another one for every index, and alike in no two corners."""
    y, x = np.mgrid[0:height, 0:width] / 48
    waves = np.stack([np.sin(2 * x + y + index / 9), np.cos(x - 2 * y + index / 7), np.sin(x + y + 2 + index / 5)], -1)
    return (128 + 90 * waves).round().astype(np.uint8)


def noise(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture that fills a file, and so leaves something to cut off."""
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_video(
    path: Path,
    pts: Iterable[int] = range(10),
    *,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction | int = 25,
    size: tuple[int, int] = (64, 48),
    draw=picture,
    codec: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    colorspace: int = 2,
    color_range: int = 0,
    rotation: tuple[int, bool] = (0, False),
    seconds_of_sound: float = 0,
    sound: str | None = None,
    texts: Sequence[Text] = (),
    title: str | None = None,
    chapters: Sequence[str] = (),
    attachment: bytes = b"",
) -> Path:
    """Write `draw(0), draw(1), ...` at the times `pts`, and return `path`. `size` is (width, height).

    `colorspace` and `color_range` are H.273 codes; 2 and 0 are "not stated", for which FFmpeg takes BT.601, limited.
    `rotation` is a display matrix: degrees, and whether it mirrors.
    """
    codec = codec or PICTURE[path.suffix]
    # MP3 starts a little before 0; without this, the picture would be moved instead, off the grid of an AVI.
    container_options = {"avoid_negative_ts": "disabled"} | (container_options or {})
    with av.open(str(path), "w", container_options=container_options) as container:
        stream = container.add_stream(
            codec,
            rate=rate,
            time_base=time_base,
            width=size[0],
            height=size[1],
            options=ENCODERS.get(codec, {}) | (options or {}),
        )
        stream.pix_fmt = pix_fmt
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, color_range
        if any(rotation):
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        if title:
            container.metadata["title"] = title
        container.set_chapters(
            [
                {"id": i, "start": 100 * i, "end": 100 * i + 100, "time_base": MILLI, "metadata": {"title": name}}
                for i, name in enumerate(chapters)
            ]
        )
        if attachment:
            container.add_attachment("font.ttf", "application/x-truetype-font", attachment)
        packets = _tone(container, sound or SOUND[path.suffix], seconds_of_sound) if seconds_of_sound else []
        packets += _subtitles(container, path, texts) if texts else []
        reformatter = VideoReformatter()
        for index, stamp in enumerate(pts):
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(draw(index, *size), format="rgb24"),
                format=pix_fmt,
                dst_colorspace={2: 5, 6: 5}.get(colorspace, colorspace),
                dst_color_range=color_range or 1,
                interpolation=EXACT,
            )
            frame.pts, frame.time_base = stamp, time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        container.start_encoding()
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """The time in seconds and the bytes of every packet of the streams of `kind` ("audio", "subtitle")."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        packets = container.demux(streams) if streams else []
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.pts is not None]


def cut_in_half(path: Path) -> Path:
    """The first half of the bytes of a file, in a file of the same folder."""
    half = path.with_name(f"half_of_{path.name}")
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return half


def overwrite_middle(path: Path, length: int) -> Path:
    """The file with `length` bytes of garbage in its middle, in a file of the same folder."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + length] = np.random.default_rng(0).bytes(length)
    damaged = path.with_name(f"damaged_{path.name}")
    damaged.write_bytes(data)
    return damaged


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, in dB."""
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(float) - b) ** 2))))


def _tone(container: OutputContainer, codec: str, seconds: float) -> list[av.Packet]:
    rate = 48000
    stream = container.add_stream(codec, rate=rate)
    stream.codec_context.open()
    length = stream.codec_context.frame_size or 1024
    packets = []
    for start in range(0, int(seconds * rate), length):
        wave = 8000 * np.sin(np.arange(start, start + length) * (2 * np.pi * 440 / rate))
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).repeat(2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _subtitles(container: OutputContainer, path: Path, texts: Sequence[Text]) -> list[av.Packet]:
    boxed = path.suffix in (".mp4", ".mov")
    stream = container.add_mux_stream("mov_text" if boxed else "subrip", time_base=MILLI)
    stream.metadata["language"] = "deu"
    packets = []
    for text in texts:
        data = text.text.encode()
        packet = av.Packet(len(data).to_bytes(2, "big") + data if boxed else data)
        packet.stream, packet.time_base, packet.duration = stream, MILLI, text.end - text.start
        packet.pts = packet.dts = text.start
        packets.append(packet)
    return packets
