"""What holds no video that can be read is refused as what it is: encrypted, or a cover picture alone."""

from pathlib import Path
from uuid import UUID

import av
import cv2
import numpy as np
import pytest

import inference
from restore.video.encryption import is_encrypted
from tests.video.make import make_video, noise, picture

KEY = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
KEY |= {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}


def by_ffmpeg(path: Path) -> Path:
    return make_video(path / "clip.mp4", range(10), seconds_of_sound=0.5, container_options=KEY)


def renamed(path: Path, entry: bytes, name: bytes) -> Path:
    clip = make_video(path / "clip.mov", range(10), seconds_of_sound=0.5)
    clip.write_bytes(clip.read_bytes().replace(entry + bytes(4), name + bytes(4)))
    return clip


def in_matroska(path: Path) -> Path:
    """A track whose language is replaced by an encryption, its room filled up by `Void`."""
    clip = make_video(path / "clip.mkv", range(10))
    encodings = bytes.fromhex("6d8086 624083 503580 ec820000")
    data = clip.read_bytes()
    old = bytes.fromhex("9c8100 22b59c83") + b"und" + bytes.fromhex("888100")
    assert data.count(old) == 1 and len(encodings) == len(old)
    clip.write_bytes(data.replace(old, encodings))
    return clip


def transport_stream(path: Path, packet_size: int = 188) -> Path:
    clip = path / "clip.ts"
    with av.open(str(clip), "w", container_options={"mpegts_m2ts_mode": str(int(packet_size == 192))}) as container:
        stream = container.add_stream("libx264", 25, width=64, height=48)
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(noise(index), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = bytearray(clip.read_bytes())
    for at in range(packet_size - 188, len(data), packet_size):
        assert data[at] == 0x47
        if data[at + 1] & 0x1F or data[at + 2] > 0x20:
            data[at + 3] |= 0x80
    clip.write_bytes(data)
    return clip


def vob(path: Path) -> Path:
    clip = path / "clip.vob"
    make_mpeg(clip)
    data = bytearray(clip.read_bytes())
    for at in range(0, len(data), 2048):
        if data[at + 14 : at + 18] == b"\0\0\1\xe0":
            data[at + 20] |= 0x10
    clip.write_bytes(data)
    return clip


def make_mpeg(path: Path) -> Path:
    with av.open(str(path), "w", format="vob") as container:
        stream = container.add_stream("mpeg2video", 25, width=64, height=48)
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(noise(index), format="rgb24").reformat(format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wmv(path: Path) -> Path:
    clip = path / "clip.wmv"
    make_asf(clip)
    marker = UUID("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e").bytes_le
    clip.write_bytes(clip.read_bytes()[:30] + marker + clip.read_bytes()[30:])
    return clip


def make_asf(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("wmv2", 25, width=64, height=48)
        frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24").reformat(format="yuv420p")
        container.mux(stream.encode(frame) + stream.encode(None))
    return path


ENCRYPTED = {
    "by FFmpeg": by_ffmpeg,
    "encv": lambda path: renamed(path, b"avc1", b"encv"),
    "enca": lambda path: renamed(path, b"mp4a", b"enca"),
    "FairPlay": lambda path: renamed(path, b"avc1", b"drmi"),
    "Matroska": in_matroska,
    "transport stream": transport_stream,
    "M2TS": lambda path: transport_stream(path, 192),
    "DVD": vob,
    "WMV": wmv,
}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_encrypted(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    path = ENCRYPTED[kind](tmp_path)
    assert inference.main(["--degraded_video", str(path), "--output_dir", str(tmp_path / "out")]) == 2
    line = f"inference.py: the video is encrypted, and there is no key to it; decrypt it first: {path}\n"
    assert capsys.readouterr().err == line
    assert not (tmp_path / "out").exists()


def test_a_cover_picture_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cover = cv2.imencode(".jpg", picture(0))[1].tobytes()
    path = tmp_path / "song.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        container.add_attachment("cover.jpg", "image/jpeg", cover)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), format="s16", layout="mono")
        tone.sample_rate = 48000
        container.mux(stream.encode(tone) + stream.encode(None))
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["audio", "video"]
    assert inference.main(["--degraded_video", str(path), "--output_dir", str(tmp_path / "out")]) == 2
    line = f"inference.py: no video in it but a cover picture; give a file with moving pictures: {path}\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
def test_what_is_not_encrypted(tmp_path: Path, suffix: str) -> None:
    assert not is_encrypted(make_video(tmp_path / f"clip{suffix}", range(3), seconds_of_sound=0.3))


def test_streams_that_are_not_encrypted(tmp_path: Path) -> None:
    assert not is_encrypted(make_mpeg(tmp_path / "clip.vob"))
    assert not is_encrypted(make_asf(tmp_path / "clip.wmv"))
    plain = make_video(tmp_path / "clip.ts", range(5), codec="libx264")
    assert not is_encrypted(plain)
    (tmp_path / "text").write_bytes(b"no video")
    assert not is_encrypted(tmp_path / "text")


@pytest.mark.parametrize("length", [9, 40, 700, 1500])
def test_cut_headers(tmp_path: Path, length: int) -> None:
    for suffix in (".mp4", ".mkv"):
        path = make_video(tmp_path / f"clip{suffix}", range(3))
        data = path.read_bytes()
        start = data.index(b"moov") - 4 if suffix == ".mp4" else 0
        path.write_bytes((data[:start] if start else b"") + data[start : start + length])
        assert not is_encrypted(path)
