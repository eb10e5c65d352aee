"""Containers that lie, and what FFmpeg or PyAV does not expect of them: each test is a fault that there was."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from restore.errors import VideoError
from restore.video import avi, matroska, mp4
from restore.video.clip import count_frames, read_clip, stated_frames
from restore.video.encryption import is_encrypted
from restore.video.reader import VideoReader
from restore.video.timestamps import Timestamps
from restore.video.truncation import bytes_missing
from restore.video.writer import VideoWriter
from tests.video.make import make_video, noise, packets_of, picture, psnr
from tests.video.rewrite import rewrite
from tests.video.test_limits import video_of

EBML = b"\x1a\x45\xdf\xa3\x80"  # an empty header
SEGMENT = b"\x18\x53\x80\x67\x01" + b"\xff" * 7  # of a size that is not known


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def test_boxes_inside_boxes_without_end(tmp_path: Path) -> None:
    nested = b""
    for _ in range(3000):
        nested = box(b"moov", nested)
    path = tmp_path / "nested.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + nested)
    assert mp4.stated_size(path, 1) == (0, 0) and not is_encrypted(path)
    with pytest.raises(VideoError) as caught:
        VideoReader(path)
    assert str(caught.value).endswith(f": {path}")


@pytest.mark.parametrize(
    "rest",
    [
        matroska.TRACKS.to_bytes(4, "big") + b"\x01" + b"\0\x10" + bytes(5),  # tracks of 2**52 bytes
        b"\xec\x01" + b"\xff\xfe" + bytes(5),  # a Void of 2**56 bytes
        bytes(4000),  # nothing that is an element
        b"\xec\x80" * 50_000,  # more elements than any file has
    ],
)
def test_elements_of_impossible_sizes(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(EBML + SEGMENT + rest)
    assert matroska.stated_size(path) == (0, 0) and not matroska.stated_cropping(path) and not is_encrypted(path)
    assert bytes_missing(path) == 0
    with pytest.raises(VideoError) as caught:
        VideoReader(path)
    assert str(caught.value).endswith(f": {path}")


def test_a_header_behind_the_end_of_any_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(EBML[:-1] + b"\x01" + b"\xfe" * 7)
    assert bytes_missing(path) == int.from_bytes(b"\xfe" * 7) + 12 - 12
    assert matroska.stated_size(path) == (0, 0)


def test_headers_of_sound_that_are_cut_short(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "a.avi", range(3), seconds_of_sound=0.1).read_bytes()
    start = whole.index(b"auds")
    assert len(avi.sound_headers(whole)) == 1
    for end in range(start, start + 90):
        avi.copy_sound_headers_fit = all(at + 16 <= end for at in sum(avi.sound_headers(whole[:end]), ()))
        assert avi.copy_sound_headers_fit


def test_tags_that_are_no_utf8(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", title="A title")
    path.write_bytes(path.read_bytes().replace(b"A title", b"\xff\xfe\xfftitl"))
    assert count_frames(path) == stated_frames(path) == len(read_clip(path, 0, 99)) == 10
    before, _, _ = rewrite(path, tmp_path / "b.mp4")
    assert len(before) == 10


def test_side_data_that_pyav_does_not_know(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", picture(0)[..., ::-1])[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H2HI4sI", 1, 0x0112, 3, 1, b"\6\0\0\0", 0)  # turned by 90 degrees
    jpeg = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + jpeg[2:]
    path = video_of(tmp_path / "camera.avi", jpeg, (64, 48), "mjpeg")
    before, _, _ = rewrite(path, tmp_path / "again.mkv")
    assert [frame.image.shape for frame in before] == [(64, 48, 3)] * 3
    assert psnr(before[0].image, np.rot90(picture(0), -1)) > 30


def test_a_packet_of_sound_that_cannot_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    make_video(path, range(25), codec="mpeg2video", sound="aac", seconds_of_sound=1.0)
    data = bytearray(path.read_bytes())
    packets = [at for at in range(len(data)) if data.startswith(b"\xff\xf1", at)]
    for at in packets[20:23]:
        data[at : at + 7] = b"damaged"
    path.write_bytes(data)
    with VideoReader(path) as reader, VideoWriter(tmp_path / "b.mkv", info=reader.info, source=path) as writer:
        frames = [(writer.write(frame.image, frame.pts, frame.carried), frame.pts)[1] for frame in reader]
    assert any(line.startswith("damaged packets of sound or subtitles (") for line in writer.left_out)
    with VideoReader(tmp_path / "b.mkv") as again:
        assert len(list(again)) == len(frames) == 25
    assert len(packets_of(tmp_path / "b.mkv", "audio")) > 15


def test_times_before_zero_and_such_as_no_clock_has() -> None:
    pictures = []
    for stamp in (-5, -4, None, -(1 << 62), 1 << 62, 0):
        frame = av.VideoFrame(16, 16, "gray")
        frame.pts = stamp
        pictures.append(frame)
    stamps = Timestamps(1)
    assert [pts for _, pts in stamps.assign(pictures)] == [-5, -4, -3, -2, -1, 0]
    assert stamps.retimed == 3


def test_a_pause_that_an_avi_cannot_hold(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", [0, 1, 70_000])
    output = tmp_path / "b.avi"
    with pytest.raises(VideoError) as caught:
        rewrite(path, output)
    assert "slots behind the last, of which .avi holds 60000 at most; write .mkv or .mp4 instead" in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize("what", ["removed", "grown"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, what: str) -> None:
    path = make_video(tmp_path / "a.mkv", draw=noise)
    with VideoReader(path) as reader:
        frames = iter(reader)
        next(frames)
        if what == "removed":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes() + b"more")
        count = 1 + sum(1 for _ in frames)
    why = {"removed": "taken away while it was read (No such file or directory)", "grown": "changed while it was read"}
    assert reader.broken and reader.broken.startswith(f"the file was {why[what]}; {count} frames could be read")
    assert count == 10


def test_the_latest_time_is_in_seconds(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", picture(0))[1].tobytes()
    epoch = 1_700_000_000 * 25  # seconds since 1970, as some cameras count, are no damage
    path = video_of(tmp_path / "a.nut", jpeg, (64, 48), "mjpeg", [epoch, epoch + 1, epoch + 2, 1 << 40])
    with VideoReader(path) as reader:
        times = [frame.pts * frame.time_base for frame in reader]
    assert times == [Fraction(epoch + index, 25) for index in range(4)]
    assert reader.retimed == 1
