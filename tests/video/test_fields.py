"""Interlaced video: recognised, restored field by field, woven back with flags and order."""

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.filter import Graph

import inference
from restore.errors import VideoError
from restore.video.carried import SideDataCarrier
from restore.video.cropping import Cropping
from restore.video.fields import FieldOrder, FieldReader, field_order, refuse_unheld, top_field_first, woven
from restore.video.mp4 import set_display_size
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import SHARED, make_video, psnr

WIDTH, HEIGHT = 96, 72
FLAGS = {"flags": "+ildct+ilme"}


def moment(time: float) -> np.ndarray:
    """A moving scene at a time in fields, uint8 RGB `H W 3`."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = 128 + 60 * np.sin((x + 4 * time) / 6) + 25 * np.cos(y / 7)
    return np.stack([wave, 255 - wave, 60 + wave / 2], -1).clip(0, 255).astype(np.uint8)


def interlaced(index: int, top_first: bool) -> np.ndarray:
    """Frame `index`, made of two moments."""
    first, second = moment(2 * index), moment(2 * index + 1)
    frame = first.copy()
    frame[int(top_first) :: 2] = second[int(top_first) :: 2]
    return frame


def marked(mode: str) -> av.VideoFrame:
    """A frame with flags, from FFmpeg's filter."""
    graph = Graph()
    source = graph.add_buffer(width=2, height=2, format="gray", time_base=Fraction(1, 25))
    flags, sink = graph.add("setfield", mode), graph.add("buffersink")
    source.link_to(flags)
    flags.link_to(sink)
    graph.configure()
    frame = av.VideoFrame(2, 2, "gray")
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    graph.push(frame)
    flagged = graph.pull()
    assert isinstance(flagged, av.VideoFrame)
    return flagged


def make_interlaced(path: Path, codec: str, top_first: bool, *, flagged: bool = True, frames: int = 12) -> Path:
    carrier, mark = SideDataCarrier(), marked("tff" if top_first else "bff")
    with av.open(str(path), "w") as container:
        quality = {"crf": "8", "preset": "ultrafast"} if codec == "libx264" else {"qmin": "1", "qmax": "2"}
        stream = container.add_stream(
            codec, 25, quality | (FLAGS if flagged else {}), width=WIDTH, height=HEIGHT, time_base=Fraction(1, 25)
        )
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for index in range(frames):
            frame = carrier.put(mark, interlaced(index, top_first), interlaced=flagged)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def test_fields_lose_no_odd_line_to_what_the_container_crops(tmp_path: Path) -> None:
    path = make_interlaced(tmp_path / "tape.mp4", "libx264", True)
    set_display_size(path, Fraction(1), Cropping(top=3, bottom=1))
    with VideoReader(path) as reader:
        assert (reader.info.height, reader.info.cropping) == (HEIGHT - 2, Cropping(top=2))


CODECS = [(".mp4", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4"), (".mkv", "ffv1"), (".mov", "mpeg2video")]


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize(("suffix", "codec"), CODECS)
def test_the_order_is_found(tmp_path: Path, suffix: str, codec: str, flagged: bool, top_first: bool) -> None:
    path = make_interlaced(tmp_path / f"tape{suffix}", codec, top_first, flagged=flagged)
    order = field_order(path)
    assert order == FieldOrder(top_first, flagged)
    assert bool(order.notes()) != flagged, "what is measured is named"
    if flagged:
        assert all(top_field_first(frame) == top_first for frame in frames_of(path))


@pytest.mark.parametrize("draw", [moment, lambda index: moment(0)], ids=["moving", "static"])
def test_progressive_video_is_not_taken_for_interlaced(tmp_path: Path, draw) -> None:
    path = make_video(tmp_path / "clip.mp4", range(12), size=(WIDTH, HEIGHT), draw=lambda index, *_: draw(2 * index))
    assert field_order(path) is None


def test_noise_and_fine_stripes_are_not_combs(tmp_path: Path) -> None:
    def noisy(index: int, width: int, height: int) -> np.ndarray:
        noise = np.random.default_rng(index).normal(0, 25, (height, width, 1))
        return (moment(2 * index) + noise).clip(0, 255).astype(np.uint8)

    assert field_order(make_video(tmp_path / "noisy.mp4", range(12), size=(WIDTH, HEIGHT), draw=noisy)) is None


def test_real_progressive_video_is_not_taken_for_interlaced() -> None:
    for path in [*SHARED.glob("clips/val/*/*")][:12]:
        if path.suffix in (".avi", ".mp4", ".mkv"):
            assert field_order(path) is None, path


def test_telecined_film_is_recognised(tmp_path: Path) -> None:
    def telecined(index: int, *_: int) -> np.ndarray:
        # Film frames A B C D => AA AB BC CC DD, in fields (top, bottom) of five video frames.
        film = 4 * (index // 5)
        top, bottom = ((0, 0), (0, 1), (1, 2), (2, 2), (3, 3))[index % 5]
        frame = moment(4 * (film + top))
        frame[1::2] = moment(4 * (film + bottom))[1::2]
        return frame

    path = make_video(tmp_path / "film.mp4", range(25), size=(WIDTH, HEIGHT), draw=telecined)
    order = field_order(path)
    assert order is not None and order.telecined
    assert order.notes() == ["telecined film (3:2): two of five frames are of two film frames each"]


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize(("suffix", "codec"), CODECS)
def test_fields_come_in_time_and_are_woven_back(tmp_path: Path, suffix: str, codec: str, top_first: bool) -> None:
    path = make_interlaced(tmp_path / f"tape{suffix}", codec, top_first)
    order = field_order(path)
    assert order
    output = tmp_path / f"out{suffix}"
    with VideoReader(path) as reader, VideoWriter(output, info=reader.info, source=path) as writer:
        fields = FieldReader(reader, order)
        assert (fields.info.height, fields.info.rate, fields.info.frames) in (
            (HEIGHT // 2, 50, 24),
            (HEIGHT // 2, 50, None),
        )
        weaver = woven(writer, order)
        for index, field in enumerate(fields):
            assert field.pts * field.time_base == Fraction(index, 50)
            line = (index + (not top_first)) % 2
            assert psnr(field.image, moment(index)[line::2]) > 30
            weaver.write(field.image, field.pts, field.carried)
    after = frames_of(output)
    assert len(after) == 12 and all(frame.interlaced_frame for frame in after)
    assert all(top_field_first(frame) == top_first for frame in after)
    with VideoReader(output) as again:
        for index, frame in enumerate(again):
            assert psnr(frame.image, interlaced(index, top_first)) > 29


def command(path: Path, out: Path, weights: Path, *more: str) -> int:
    arguments = ["--degraded_video", str(path), "--weights_path", str(weights), "--output_dir", str(out)]
    return inference.main([*arguments, *more])


@pytest.mark.parametrize("mode", ["auto", "keep", "deinterlace", "off"])
def test_the_command(tmp_path: Path, tiny_weights: Path, mode: str) -> None:
    path, out = make_interlaced(tmp_path / "tape.mp4", "libx264", False), tmp_path / "out"
    assert command(path, out, tiny_weights, "--mask_mode", "none", "--interlaced", mode, "--write_mask") == 0
    after = frames_of(out / "tape_restored.mp4")
    report = json.loads((out / "tape_restored.json").read_text())
    kept = mode in ("auto", "keep")
    assert {frame.interlaced_frame for frame in after} == {kept}
    assert (
        len(after) == len(frames_of(out / "tape_mask.mkv")) == report["frames"] == (24 if mode == "deinterlace" else 12)
    )
    assert report["interlaced"] == (None if mode == "off" else "bottom field first")
    assert (after[0].width, after[0].height) == (WIDTH, HEIGHT)
    if kept:
        assert all(not top_field_first(frame) for frame in after)
    if mode == "deinterlace":
        assert [round(float(frame.pts * frame.time_base) * 50) for frame in after] == list(range(24))
        for index in range(4, 20):
            image = after[index].to_ndarray(format="rgb24")
            assert psnr(image, moment(index)) > 24


def test_a_mask_is_split_as_the_video_is(tmp_path: Path, tiny_weights: Path) -> None:
    path, out = make_interlaced(tmp_path / "tape.mp4", "libx264", True), tmp_path / "out"
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:21, 20:50] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    assert command(path, out, tiny_weights, "--mask_video", str(tmp_path / "mask.png"), "--write_mask") == 0
    for frame in frames_of(out / "tape_mask.mkv"):
        np.testing.assert_array_equal(frame.to_ndarray(format="gray"), mask)


def test_an_output_that_cannot_be_interlaced_is_refused(tmp_path: Path, tiny_weights: Path, capsys) -> None:
    path, out = make_interlaced(tmp_path / "tape.mp4", "libx264", True), tmp_path / "out"
    assert command(path, out, tiny_weights, "--container", "webm", "--mask_mode", "none") == 2
    line = (
        "the video is interlaced (top field first), and VP9 cannot be; ask for --interlaced deinterlace, "
        f"or for another container: {out / 'tape_restored.webm'}"
    )
    assert capsys.readouterr().err.splitlines()[-1] == f"inference.py: {line}"
    assert list(out.iterdir()) == []
    with pytest.raises(VideoError):
        refuse_unheld(FieldOrder(True, True), ".WEBM", out)
    refuse_unheld(FieldOrder(True, True), ".mkv", out)
