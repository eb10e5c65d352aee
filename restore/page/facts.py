"""What a person wants to know of a video before restoring it: size, rate, length, sound, tags, what is unusual."""

from pathlib import Path
from typing import Any

from restore.video.fields import field_order
from restore.video.info import VideoInfo
from restore.video.opening import open_video
from restore.video.reader import VideoReader
from restore.video.tags import kept_tags

TRANSFERS = {16: "HDR (PQ)", 18: "HDR (HLG)"}  # of H.273


def facts(path: Path) -> list[tuple[str, str]]:
    """Names and texts, in the order to be read.

    Raises:
        VideoError: it cannot be read.
    """
    with VideoReader(path) as reader:
        info = reader.info
    order = field_order(path)
    lines = [
        ("size", f"{info.width} x {info.height} pixels{_shape(info)}"),
        ("rate", f"{float(info.rate):.6g} frames a second"),
        ("frames", str(info.frames) if info.frames else "not stated"),
        ("picture", f"{info.codec}, {info.pix_fmt}, {info.bits} bits, {TRANSFERS.get(info.color_trc, 'SDR')}"),
        ("scan", f"interlaced, {order}" if order else "progressive"),
        ("file", f"{info.container.split(',')[0]}, {path.stat().st_size / 1e6:.2f} MB"),
    ]
    lines += [("rotated", f"by {info.rotation} degrees")] * bool(info.rotation)
    lines += [("transparent", "in parts")] * info.alpha
    return lines + _streams(path)


def _shape(info: VideoInfo) -> str:
    return "" if info.sample_aspect_ratio == 1 else f", a pixel's shape {info.sample_aspect_ratio}"


def _streams(path: Path) -> list[tuple[str, str]]:
    """Sound, subtitles, and tags, which may hold any text."""
    with open_video(path) as container:
        sound = [_sound(stream) for stream in container.streams.audio]
        texts = [_titled(stream, stream.metadata.get("language", "")) for stream in container.streams.subtitles]
        tags = kept_tags(container.metadata)
    lines = [("sound", "; ".join(sound) or "none")]
    lines += [("subtitles", "; ".join(text or "of no stated language" for text in texts))] * bool(texts)
    return lines + [(f"tag {name}", text) for name, text in tags.items()]


def _sound(stream: Any) -> str:
    context = stream.codec_context
    if context is None:
        return "of an unknown codec"
    return _titled(stream, f"{context.name}, {stream.rate} Hz, {stream.channels} channels")


def _titled(stream: Any, text: str) -> str:
    return " ".join(filter(None, (text, stream.metadata.get("title", ""))))
