"""DV, as camcorders recorded it: raw, in AVI of type 1 (sound inside the frames) and of type 2."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.reader import VideoReader
from tests.video.make import packets_of, picture, psnr
from tests.video.rewrite import rewrite, times

NTSC, FRAME = Fraction(30000, 1001), 120_000  # frames a second, and bytes of each


def tape(path: Path, frames: int = 4) -> Path:
    """NTSC DV with stereo sound, raw."""
    with av.open(str(path), "w", format="dv") as container:
        video = container.add_stream("dvvideo", rate=NTSC, width=720, height=480)
        video.pix_fmt = "yuv411p"
        sound = container.add_stream("pcm_s16le", rate=48000)
        for index in range(frames):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(index, 720, 480), format="rgb24")))
        wave = (8000 * np.sin(np.arange(1602 * frames) / 9)).astype(np.int16).repeat(2)
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="stereo")
        tone.sample_rate = 48000
        container.mux(sound.encode(tone) + sound.encode(None))
    return path


def type_1(path: Path, raw: bytes) -> Path:
    """As WinDV and Movie Maker captured tapes."""
    frames = [raw[start : start + FRAME] for start in range(0, len(raw) - FRAME + 1, FRAME)]

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data

    def group(name: bytes, data: bytes) -> bytes:
        return chunk(b"LIST", name + data)

    main = struct.pack("<14I", 33367, 3600000, 0, 0x10, len(frames), 0, 1, FRAME, 720, 480, 0, 0, 0, 0)
    stream = b"iavsdvsd" + struct.pack("<IHHIIIIIIII", 0, 0, 0, 0, 1001, 30000, 0, len(frames), FRAME, 10000, 0)
    stream += struct.pack("<4h", 0, 0, 720, 480)
    headers = chunk(b"avih", main) + group(b"strl", chunk(b"strh", stream) + chunk(b"strf", bytes(32)))
    body = index = b""
    for frame in frames:
        index += b"00__" + struct.pack("<III", 0x10, 4 + len(body), len(frame))
        body += chunk(b"00__", frame)
    content = b"AVI " + group(b"hdrl", headers) + group(b"movi", body) + chunk(b"idx1", index)
    path.write_bytes(chunk(b"RIFF", content))
    return path


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mov"])
@pytest.mark.parametrize("kind", ["raw", "type 1"])
def test_tapes(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tape(tmp_path / "tape.dv")
    if kind == "type 1":
        path = type_1(tmp_path / "tape.avi", path.read_bytes())
    output = tmp_path / f"out{suffix}"
    before, after, reader = rewrite(path, output)
    assert len(before) >= 4
    assert abs(reader.info.rate / NTSC - 1) < 1e-3
    grid = [index / NTSC for index in range(len(before))]
    for stamps in (times(before), times(after)):
        assert np.allclose([float(stamp) for stamp in stamps], [float(time) for time in grid], atol=0.001)
    assert psnr(before[0].image, after[0].image) > 32
    with VideoReader(path) as source:
        assert source.info.sample_aspect_ratio == Fraction(8, 9)
    assert reader.info.sample_aspect_ratio == Fraction(8, 9)
    sound = [b"".join(data for _, data in packets_of(file, "audio")) for file in (path, output)]
    assert len(sound[0]) > 10_000 and sound[0] == sound[1]
