"""Files that break on the way: what comes before the break is read, and the break is named."""

import re
from pathlib import Path

import numpy as np
import pytest

from restore.errors import VideoError
from restore.video.reader import VideoReader
from restore.video.truncation import bytes_missing
from tests.video.make import CONTAINERS, SHARED, cut_in_half, make_video, noise, overwrite_middle

FASTSTART = {"movflags": "faststart"}  # the index of an MP4 at its front: half of the file can be opened


def _whole(folder: Path, suffix: str) -> Path:
    options = FASTSTART if suffix in (".mp4", ".mov") else None
    return make_video(
        folder / f"clip{suffix}",
        range(60),
        draw=noise,
        seconds_of_sound=2.4,
        container_options=options,
        options={"g": "12"},
    )


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_half_a_file(tmp_path: Path, suffix: str) -> None:
    whole = _whole(tmp_path, suffix)
    half = cut_in_half(whole)
    with VideoReader(whole) as reader:
        expected = [(frame.pts, frame.image) for frame in reader]
    assert reader.broken is None and len(expected) == 60
    with VideoReader(half) as reader:
        frames = [(frame.pts, frame.image) for frame in reader]
    missing = whole.stat().st_size - half.stat().st_size
    assert 15 < len(frames) < 45
    # The very last packet may be the half of one, of which the decoder makes what it can.
    for (pts, image), (expected_pts, expected_image) in zip(frames[:-1], expected, strict=False):
        assert pts == expected_pts
        np.testing.assert_array_equal(image, expected_image)
    time = frames[-1][0] * reader.info.time_base
    assert reader.broken == (
        f"the file is cut short by {missing} bytes; {len(frames)} frames could be read, the last at {float(time):.2f} s"
    )


def test_half_an_mp4_with_its_index_at_the_end(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "clip.mp4", range(30), draw=noise)
    half = cut_in_half(whole)
    with pytest.raises(VideoError) as caught:
        VideoReader(half)
    assert str(caught.value) == (
        f"the file is cut short: {bytes_missing(half)} bytes are missing, its index among them; copy it again: {half}"
    )


@pytest.mark.parametrize(
    ("suffix", "length", "reason"),
    [
        (".avi", 20_000, "the video is damaged (frames are missing here)"),
        (".mkv", 3_000, "the video is damaged (frames are missing here)"),
        (".mkv", 100_000, "the video ends at 1.20 s of 2."),
        (".mov", 3_000, "the video is damaged (Invalid data found when processing input)"),
        (".mp4", 3_000, "the video is damaged (Invalid data found when processing input)"),
        (".webm", 3_000, "the video is damaged (frames are missing here)"),
        (".webm", 100_000, "the video ends at 1.20 s of 2."),
    ],
)
def test_garbage_in_the_middle(tmp_path: Path, suffix: str, length: int, reason: str) -> None:
    damaged = overwrite_middle(_whole(tmp_path, suffix), length)
    with VideoReader(damaged) as reader:
        times = [frame.pts * frame.time_base for frame in reader]
    assert reader.broken is not None and reader.broken.startswith(reason)
    assert 15 < len(times) < 45
    assert times == [index / reader.info.rate for index in range(len(times))], "no frame from behind the break"


def test_a_lost_fragment(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    path = make_video(tmp_path / "a.mp4", range(60), draw=noise, options={"g": "12"}, container_options=options)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 60
    assert reader.broken is None
    *_, last_but_one, _ = (match.start() for match in re.finditer(b"moof", path.read_bytes()))
    with open(path, "r+b") as file:
        file.seek(last_but_one - 4)
        file.write(bytes(range(100, 200)))
    with VideoReader(path) as reader:
        assert len(list(reader)) == 36
    assert reader.broken is not None
    assert re.match(r"\d+ bytes at the end of the file cannot be read; \d\d frames could be read", reader.broken)


def test_a_small_scratch_is_concealed_and_counted(tmp_path: Path) -> None:
    scratched = overwrite_middle(_whole(tmp_path, ".avi"), 500)
    with VideoReader(scratched) as reader:
        assert len(list(reader)) == 60
    assert reader.broken is None
    assert reader.concealed == 1


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_whole_files_miss_nothing(tmp_path: Path, suffix: str) -> None:
    whole = make_video(tmp_path / f"clip{suffix}", seconds_of_sound=0.5)
    assert bytes_missing(whole) == 0
    half = cut_in_half(whole)
    assert 0 < bytes_missing(half) <= whole.stat().st_size - half.stat().st_size


@pytest.mark.parametrize(
    "junk", [b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3", b"\0\0\0\0ftyp", b"hello world, hello"]
)
def test_headers_that_state_nothing(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk)
    assert bytes_missing(path) == 0


def test_a_really_corrupted_file() -> None:
    for path in SHARED.glob("edge/corrupted.mp4"):
        with VideoReader(path) as reader:
            assert len(list(reader)) == 29
        assert reader.broken == (
            "the video is damaged (Invalid data found when processing input); "
            "29 frames could be read, the last at 2.80 s"
        )
