"""Colours of AVI, which states no matrix: written as players will read them, BT.709 from HD sizes on."""

from pathlib import Path

import av
import numpy as np
import pytest

from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video
from tests.video.rewrite import rewrite

RED, GREEN = (200, 40, 40), (40, 160, 60)
LUMA = {1: (0.2126, 0.7152, 0.0722), 6: (0.299, 0.587, 0.114)}  # H.273, table 4


def halves(index: int, width: int, height: int) -> np.ndarray:
    image = np.full((height, width, 3), RED, np.uint8)
    image[:, width // 2 :] = GREEN
    return image


def as_players_read(path: Path, matrix: int) -> np.ndarray:
    """The colour in the middle of each half, by the matrix and the limited range, without FFmpeg's conversion."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    planes = frame.to_ndarray(format="yuv444p").astype(float)
    height, width = planes.shape[1:]
    red, _, blue = LUMA[matrix]
    colours = []
    for x in (width // 4, 3 * width // 4):
        y, u, v = (planes[plane, height // 4 : -height // 4, x - 8 : x + 8].mean() for plane in range(3))
        y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
        r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
        colours.append((r, (y - red * r - blue * b) / (1 - red - blue), b))
    return np.array(colours)


@pytest.mark.parametrize("stated", [1, 6, 9, 2])
@pytest.mark.parametrize(("size", "read_by"), [((1280, 96), 1), ((64, 640), 1), ((320, 240), 6)])
def test_colours_of_an_avi(tmp_path: Path, size: tuple[int, int], read_by: int, stated: int) -> None:
    written = read_by if stated == 2 else stated  # where none is stated, the input follows the same rule
    path = make_video(tmp_path / "clip.mkv", range(2), size=size, draw=halves, colorspace=written, color_range=1)
    if stated == 2:
        with av.open(str(path)) as source, av.open(str(tmp_path / "clip.avi"), "w") as output:
            stream = output.add_stream("mpeg4", rate=25, width=size[0], height=size[1])
            for frame in source.decode(video=0):
                frame.colorspace = 2
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        path = tmp_path / "clip.avi"
    before, after, _ = rewrite(path, tmp_path / "out.avi")
    assert np.abs(as_players_read(tmp_path / "out.avi", read_by) - (RED, GREEN)).max() < 5
    for frames in (before, after):
        image = frames[0].image
        assert np.abs(image[20, size[0] // 4].astype(int) - RED).max() < 5


def test_tags_that_an_avi_cannot_state_are_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=64, height=48)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = 9, 16
        stream.codec_context.colorspace = 9
        frame = av.VideoFrame.from_ndarray(halves(0, 64, 48), format="rgb24")
        container.mux(stream.encode(frame) + stream.encode(None))
    with VideoReader(path) as reader, VideoWriter(tmp_path / "out.avi", info=reader.info, source=path) as writer:
        assert writer.left_out == [
            "the primaries 9 (of H.273), which AVI cannot state",
            "the transfer 16 (of H.273), which AVI cannot state",
        ]
        for picture in reader:
            writer.write(picture.image, picture.pts)
