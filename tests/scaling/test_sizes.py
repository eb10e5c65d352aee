from dataclasses import replace
from fractions import Fraction

import pytest

from restore.errors import VideoError
from restore.scaling.sizes import Scale, enlarged_info
from restore.video.info import VideoInfo
from restore.video.reader import VideoReader
from tests.video.make import make_video


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    with VideoReader(make_video(tmp_path_factory.mktemp("video") / "clip.mp4", range(2))) as reader:
        return reader.info


@pytest.mark.parametrize(
    ("size", "shape", "scale", "square", "wanted"),
    [
        ((320, 240), "1", "2", False, (640, 480, "1")),
        ((320, 240), "1", "2", True, (640, 480, "1")),
        ((35, 27), "1", "4", False, (140, 108, "1")),
        ((352, 288), "12/11", "4", False, (1408, 1152, "12/11")),
        ((352, 288), "12/11", "4", True, (1536, 1152, "1")),
        ((720, 480), "8/9", "2", False, (1440, 960, "8/9")),
        ((720, 480), "8/9", "2", True, (1440, 1080, "1")),
        ((320, 240), "1", "720p", False, (960, 720, "1")),
        ((1280, 720), "1", "1080p", False, (1920, 1080, "1")),
        ((720, 576), "16/15", "720p", False, (900, 720, "16/15")),
        ((720, 576), "16/15", "720p", True, (960, 720, "1")),
        ((720, 480), "8/9", "1080p", True, (1440, 1080, "1")),
        ((2048, 100), "1", "4", False, (8192, 400, "1")),
    ],
)
def test_sizes(
    info: VideoInfo, size: tuple[int, int], shape: str, scale: Scale, square: bool, wanted: tuple[int, int, str]
) -> None:
    video = replace(info, width=size[0], height=size[1], sample_aspect_ratio=Fraction(shape))
    got = enlarged_info(video, scale, square_pixels=square)
    assert (got.width, got.height, got.sample_aspect_ratio) == (*wanted[:2], Fraction(wanted[2]))
    assert replace(got, width=0, height=0, sample_aspect_ratio=Fraction(1)) == replace(
        info, width=0, height=0, sample_aspect_ratio=Fraction(1)
    )


@pytest.mark.parametrize(
    ("size", "scale", "message"),
    [
        ((1280, 720), "720p", "the video has 720 rows, and scale is 720p, which enlarges smaller ones; "),
        ((1920, 1080), "720p", "the video has 1080 rows, and scale is 720p, which enlarges smaller ones; "),
        ((2050, 100), "4", "scale is 4, which makes 8200x400 of 2050x100; expected at most 8192 pixels a side; "),
        ((64, 4098), "2", "scale is 2, which makes 128x8196 of 64x4098; expected at most 8192 pixels a side; "),
        ((400, 40), "1080p", "scale is 1080p, which makes 10800x1080 of 400x40; expected at most 8192 pixels a side; "),
    ],
)
def test_what_cannot_be(info: VideoInfo, size: tuple[int, int], scale: Scale, message: str) -> None:
    with pytest.raises(VideoError, match=f"^{message}"):
        enlarged_info(replace(info, width=size[0], height=size[1]), scale)
