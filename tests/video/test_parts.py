"""Videos whose picture changes its size half way: each size is a part of its own."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import inference
from restore.errors import VideoError
from restore.video.fields import field_order
from restore.video.reader import VideoReader
from restore.video.writer import VideoWriter
from tests.video.make import make_video, packets_of, picture
from tests.video.test_fields import make_interlaced
from tests.video.test_joined import recording

SIZES = [(64, 48), (96, 64), (64, 48)]


def resized(folder: Path, *starts: int) -> tuple[Path, list[Path]]:
    """Recordings of `SIZES` in one file, and each alone."""
    parts = [
        recording(folder / f"{index}.ts", start, 100 * index, size=size)
        for index, (start, size) in enumerate(zip(starts, SIZES, strict=False))
    ]
    path = folder / "in" / "tv.ts"
    path.parent.mkdir()
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, parts


# A clock that goes on, one that starts anew, one that leaps.
@pytest.mark.parametrize("starts", [(3, 4, 7), (9, 5, 3), (5, 500, 6)])
def test_each_size_gets_an_output_of_its_own(tmp_path: Path, tiny_weights: Path, starts: tuple[int, ...]) -> None:
    path, parts = resized(tmp_path, *starts)
    out = tmp_path / "out"
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--write_mask"]
    with pytest.warns(
        UserWarning, match="^the picture changes its size after 25 frames, and what follows is a part of"
    ):
        assert inference.main(list(map(str, command))) == 0
    for index, (part, size) in enumerate(zip(parts, SIZES, strict=True)):
        suffix = f".part{index + 1}" if index else ""
        restored = out / f"tv_restored{suffix}.mkv"
        report = json.loads((out / f"tv_restored{suffix}.json").read_text())
        assert (report["part"], report["next_part"]) == (index, index + 1 if index < 2 else None)
        assert (report["frames"], report["broken"], report["output"]) == (25, None, restored.name)
        assert (report["width"], report["height"]) == size
        with VideoReader(restored) as reader:
            frames = list(reader)
        assert len(frames) == 25 and (reader.info.width, reader.info.height) == size
        stamps = [float(frame.pts * frame.time_base) for frame in frames]
        assert np.allclose(np.diff(stamps), 0.04) and (index == 0 or stamps[0] == 0)
        # Each has the sound of its time, to within a packet.
        sound, own = packets_of(restored, "audio"), packets_of(part, "audio")
        assert abs(len(sound) - len(own)) <= 2
        assert {data for _, data in sound} <= {data for one in parts for _, data in packets_of(one, "audio")}
        assert abs(float(sound[0][0]) - stamps[0]) < 0.1 and abs(float(sound[-1][0]) - stamps[-1]) < 0.15
        with VideoReader(out / f"tv_mask{suffix}.mkv") as mask:
            assert len(list(mask)) == 25
    assert sum(len(packets_of(one, "audio")) for one in out.glob("tv_restored*.mkv")) == sum(
        len(packets_of(part, "audio")) for part in parts
    )


def test_the_parts_of_a_folder_are_done_together(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = resized(tmp_path, 5, 5)
    command = ["--degraded_video", path.parent, "--weights_path", tiny_weights, "--output_dir", path.parent]
    command += ["--mask_mode", "none", "--write_mask", "--container", "mp4"]
    for words in (["tv_restored.mp4: 25", "tv_restored.part2.mp4: 25"], ["restored before"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert inference.main(list(map(str, command))) == 0
        said = capsys.readouterr().out
        assert [word in said for word in words] == [True] * len(words)
        assert len(list(path.parent.iterdir())) == 1 + 2 * 3 + 2  # the summary
    (path.parent / "tv_restored.part2.json").unlink()  # as of a run that was interrupted
    (path.parent / "tv_restored.part2.mp4").unlink()
    (path.parent / "tv_mask.part2.mkv").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert inference.main(list(map(str, command))) == 0
    assert len(list(path.parent.iterdir())) == 1 + 2 * 3 + 2  # the summary


def test_a_mask_ends_where_the_size_changes(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = resized(tmp_path, 0, 2)
    mask = tmp_path / "mask.png"
    assert cv2.imwrite(str(mask), np.zeros((48, 64), np.uint8))
    out = tmp_path / "out"
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--mask_video", mask]
    with pytest.warns(UserWarning, match="hides nothing"):
        assert inference.main(list(map(str, command))) == 1
    broken = "the picture changes size from 64x48 to 96x64; 25 frames could be read, the last at 0.97 s"
    kept = f"the 25 frames before are restored and kept in {out / 'tv_restored.mkv'}"
    assert capsys.readouterr().err.endswith(f"inference.py: {broken}; {kept}: {path}\n")
    report = json.loads((out / "tv_restored.json").read_text())
    assert (report["broken"], report["frames"], report["next_part"]) == (broken, 25, None)
    sound = packets_of(out / "tv_restored.mkv", "audio")
    assert float(sound[-1][0]) < 1.1  # it does not run on past the picture


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no frame can be decoded"):
        VideoReader(make_video(tmp_path / "clip.mp4"), part=1)


def test_the_order_of_fields_is_that_of_the_part(tmp_path: Path) -> None:
    path = tmp_path / "tv.ts"
    parts = [recording(tmp_path / "a.ts", 5, frames=10), recording(tmp_path / "b.ts", 5, frames=10, size=(96, 64))]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert field_order(path) is None and field_order(path, 1) is None  # frames of two sizes are not compared


def test_fields_are_restored_in_the_part_that_has_them(tmp_path: Path, tiny_weights: Path) -> None:
    progressive = recording(tmp_path / "a.ts", 5, frames=10)
    interlaced = make_interlaced(tmp_path / "b.ts", "libx264", top_first=False)
    path, out = tmp_path / "tv.ts", tmp_path / "out"
    path.write_bytes(progressive.read_bytes() + interlaced.read_bytes())
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", out, "--mask_mode", "none"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert inference.main(list(map(str, command))) == 0
    reports = [json.loads((out / f"tv_restored{part}.json").read_text()) for part in ("", ".part2")]
    assert [report["interlaced"] for report in reports] == [None, "bottom field first"]
    assert [report["frames"] for report in reports] == [10, 12]


def test_an_original_ends_where_the_size_changes(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, parts = resized(tmp_path, 5, 7)
    command = ["--degraded_video", path, "--weights_path", tiny_weights, "--output_dir", tmp_path / "out"]
    assert inference.main(list(map(str, [*command, "--original_video", parts[0], "--mask_mode", "none"]))) == 1
    assert "the picture changes size from 64x48 to 96x64; 25 frames could be read" in capsys.readouterr().err
    report = json.loads((tmp_path / "out" / "tv_restored.json").read_text())
    assert report["scores"]["after"]["psnr"] > 20 and report["next_part"] is None


def test_the_end_of_the_sound_is_that_of_the_last_part(tmp_path: Path) -> None:
    """Motion JPEG says its size in every picture; Matroska states where Opus ends within its last packet."""
    path, out = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mjpeg", 25, width=64, height=48, pix_fmt="yuvj420p")
        larger = av.CodecContext.create("mjpeg", "w")
        larger.width, larger.height, larger.pix_fmt, larger.time_base = 96, 64, "yuvj420p", Fraction(1, 25)
        sound = container.add_stream("libopus", rate=48000)
        container.start_encoding()
        wave = (8000 * np.sin(np.arange(37296) / 17)).astype(np.int16).repeat(2)  # 0.777 s
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="stereo")
        tone.sample_rate, tone.pts, tone.time_base = 48000, 0, Fraction(1, 48000)
        packets = sound.encode(tone) + sound.encode(None)
        for index in range(20):
            size, encoder = (SIZES[0], video) if index < 10 else (SIZES[1], larger)
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(format="yuvj420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            for packet in encoder.encode(frame):
                packet.stream, packet.time_base, packet.pts, packet.dts = video, Fraction(1, 25), index, index
                packets.append(packet)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    with VideoReader(path, part=1) as reader, VideoWriter(out, info=reader.info, source=path) as writer:
        for one in reader:
            writer.write(one.image, one.pts, one.carried)
    with av.open(str(out)) as container:
        last = [packet for packet in container.demux(audio=0) if packet.size][-1]
    assert float((last.pts + last.duration) * last.time_base) == pytest.approx(0.777 - 0.4, abs=0.002)


def test_recordings_are_joined_within_a_part(tmp_path: Path) -> None:
    starts, sizes = (9, 5, 100), [(64, 48), (96, 64), (96, 64)]
    parts = [
        recording(tmp_path / f"{index}.ts", start, size=size)
        for index, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]
    path = tmp_path / "tv.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoReader(path, part=1) as reader:
        stamps = [frame.pts * frame.time_base for frame in reader]
    assert np.allclose([float(stamp) for stamp in stamps], np.arange(50) / 25)
    assert reader.seams == [stamps[25]]
