"""The command line of inference.py: what it writes and says, folders, shared folders."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import inference
from restore.shipped import WEIGHTS
from restore.video.reader import VideoReader
from tests.inference.command import Command, copy_streams, folder, frames_in, left_in, quarter, two, written
from tests.propagation.footage import at_rest, noisy
from tests.video.make import MILLI, UNEVEN, cut_in_half, make_video, noise, packets_of
from tests.video.test_depth import deep_video

ROOT = Path(inference.__file__).parent


def test_the_documented_command(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "clip.avi", seconds_of_sound=0.4)
    assert run(degraded_video=video) == 0
    assert left_in(out) == ["clip_restored.avi", "clip_restored.json"]
    assert frames_in(out / "clip_restored.avi") == 10
    assert packets_of(out / "clip_restored.avi", "audio") == packets_of(video, "audio") != []
    report = json.loads((out / "clip_restored.json").read_text())
    assert (report["input"], report["frames"], report["scores"]) == (str(video), 10, None)
    assert capsys.readouterr().out.startswith(f"{out / 'clip_restored.avi'}: 10 frames, ")


def test_scores_where_there_is_an_original(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, original = make_video(tmp_path / "clip.avi"), make_video(tmp_path / "original.mp4")
    assert run(degraded_video=video, original_video=original) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == ["", "before restoring"] and lines[3].split()[:4] == ["video", "frames", "psnr", "ssim"]
    assert lines[4].split()[:2] == ["clip", "10"]
    assert lines[6] == "after restoring"
    assert json.loads((out / "clip_restored.json").read_text())["scores"]["after"]["frames"] == 10


def test_paths_of_the_package_are_relative_to_it(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(help=True)
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: saved_models/generator.pth)" in text and "(default: saved_models/refiner)" in text
    assert str(ROOT) not in text
    assert run(degraded_video=make_video(tmp_path / "clip.mp4", range(2)), weights_path=WEIGHTS / "generator.pth") == 0
    assert json.loads((out / "clip_restored.json").read_text())["weights"] == "saved_models/generator.pth"


def test_lossless(run: Command, tmp_path: Path, out: Path) -> None:
    assert run(degraded_video=make_video(tmp_path / "clip.avi"), lossless=True) == 0
    assert left_in(out) == ["clip_restored.json", "clip_restored.mkv"]
    with VideoReader(out / "clip_restored.mkv") as reader:
        assert (reader.info.codec, reader.info.pix_fmt) == ("ffv1", "bgr0")


def test_strength(run: Command, tmp_path: Path, out: Path) -> None:
    """At 0, with nothing hidden, the video comes out as it went in."""
    pictures = noisy(at_rest(4), 12)
    draw = {"draw": lambda index, *_: pictures[index], "codec": "ffv1", "pix_fmt": "bgr0"}
    clip = make_video(tmp_path / "clip.mkv", range(4), **draw)
    for strength, name in ((0, "nothing"), (1, "all")):
        assert run(degraded_video=clip, lossless=True, strength=strength, output_dir=out / name) == 0
        with VideoReader(clip) as degraded, VideoReader(out / name / "clip_restored.mkv") as restored:
            alike = [np.array_equal(a.image, b.image) for a, b in zip(degraded, restored, strict=True)]
        assert all(alike) == (strength == 0)


def test_threads(run: Command, tmp_path: Path) -> None:
    threads = torch.get_num_threads(), cv2.getNumThreads()
    try:
        assert run(degraded_video=make_video(tmp_path / "clip.mp4", range(2)), threads=3) == 0
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (3, 3)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core")
def test_how_many_cores_and_threads_there_are_changes_no_byte(run: Command, tmp_path: Path, out: Path) -> None:
    threads = torch.get_num_threads(), cv2.getNumThreads()
    video, cores = make_video(tmp_path / "clip.mp4", range(20), draw=noise, size=(96, 80)), os.sched_getaffinity(0)
    try:
        for number in (1, 2):
            os.sched_setaffinity(0, sorted(cores)[:number])  # from which encoders take their threads by default
            assert run(degraded_video=video, side_by_side=True, threads=number, output_dir=out / str(number)) == 0
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    for name in ("clip_restored.mp4", "clip_side_by_side.mp4"):
        assert (out / "1" / name).read_bytes() == (out / "2" / name).read_bytes()


def test_the_rate_of_a_raw_stream(run: Command, tmp_path: Path, out: Path) -> None:
    clip = make_video(tmp_path / "clip.h264", codec="libx264")
    assert run(degraded_video=clip, rate=12.5) == 0
    with VideoReader(out / "clip_restored.mkv") as reader:
        times = [float(frame.pts * frame.time_base) for frame in reader]
    assert times == pytest.approx([index / 12.5 for index in range(10)], abs=0.001)


def test_a_rate_is_refused_before_models_are_loaded(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(degraded_video=make_video(tmp_path / "clip.mp4"), rate=12.5, weights_path=tmp_path / "none.pth") == 2
    assert "got a rate of 25/2 for a video that states its times" in capsys.readouterr().err


def test_what_has_more_than_8_bits_goes_past_the_restoration(run: Command, tmp_path: Path, out: Path) -> None:
    clip = deep_video(tmp_path / "clip.mkv", "ffv1", "yuv420p10le")
    assert run(degraded_video=clip, lossless=True, strength=0, mask_mode="none") == 0
    with VideoReader(clip) as degraded, VideoReader(out / "clip_restored.mkv") as restored:
        pairs = [(a.carried, b.carried) for a, b in zip(degraded, restored, strict=True)]
    assert all(a and b and np.array_equal(a.deep, b.deep) for a, b in pairs)


def test_quality(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", draw=noise)
    sizes = []
    for quality in (10, 40):
        assert run(degraded_video=video, quality=quality, overwrite=True) == 0
        sizes.append((out / "clip_restored.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_variable_rate_is_preserved(run: Command, tmp_path: Path, out: Path, name: str) -> None:
    assert run(degraded_video=make_video(tmp_path / name, UNEVEN, time_base=MILLI)) == 0
    with VideoReader(out / name.replace("clip", "clip_restored")) as reader:
        assert [frame.pts * frame.time_base for frame in reader] == [ms * MILLI for ms in UNEVEN]


def test_one_frame_of_odd_size(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", range(1), size=(35, 27), pix_fmt="yuv444p")
    with pytest.warns(UserWarning, match="H.264 holds 35x27, an odd size, with one column and one line more"):
        assert run(degraded_video=video, write_mask=True, side_by_side=True) == 0
    with VideoReader(out / "clip_restored.mp4") as reader:
        assert [frame.image.shape for frame in reader] == [(27, 35, 3)]
    # What comes out goes in again, with the mask that belongs to it.
    again = {"mask_video": out / "clip_mask.mkv", "output_dir": out / "again"}
    with pytest.warns(UserWarning, match="H.264 holds 35x27"):
        assert run(degraded_video=out / "clip_restored.mp4", **again) == 0
    assert json.loads((out / "again" / "clip_restored_restored.json").read_text())["width"] == 35


def test_the_hidden_share_is_the_masks(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4")
    assert run(degraded_video=video, mask_video=make_video(tmp_path / "mask.mp4", draw=quarter)) == 0
    assert json.loads((out / "clip_restored.json").read_text())["hidden"] == 0.25


def test_an_output_that_exists(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "clip.mp4")
    assert run(degraded_video=video) == 0
    restored = (out / "clip_restored.mp4").read_bytes()
    assert run(degraded_video=video, quality=40) == 2
    message = "the output exists already, and quality was None and is 40; move it away, or ask to overwrite it: "
    assert capsys.readouterr().err == f"inference.py: {message}{out / 'clip_restored.mp4'}\n"
    assert (out / "clip_restored.mp4").read_bytes() == restored
    assert run(degraded_video=video, quality=40, overwrite=True) == 0
    assert (out / "clip_restored.mp4").read_bytes() != restored


def test_a_video_that_breaks_half_way(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = cut_in_half(make_video(tmp_path / "clip.avi", range(30), draw=noise))
    assert run(degraded_video=video) == 1
    kept = frames_in(out / "half_of_clip_restored.avi")
    assert 5 < kept < 25
    line = capsys.readouterr().err
    assert line.startswith("inference.py: the file is cut short by ") and line.count("\n") == 1
    assert f"the {kept} frames before are restored and kept in {out}/half_of_clip_restored.avi: {video}" in line


def test_ctrl_c(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = two(tmp_path / "in")
    write = VideoReader.__init__

    def interrupted(reader: VideoReader, *arguments: Any, **named: Any) -> None:
        if (out / "a_restored.json").exists():
            raise KeyboardInterrupt
        write(reader, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(VideoReader, "__init__", interrupted)
        assert run(degraded_video=videos) == 130
    assert (
        capsys.readouterr().err
        == "inference.py: interrupted; what is done is kept, the same command goes on behind it\n"
    )
    summary = ["summary.csv", "summary.json"]
    assert left_in(out) == ["a_restored.json", "a_restored.mp4", *summary]
    assert run(degraded_video=videos) == 0
    assert left_in(out) == ["a_restored.json", "a_restored.mp4", "b_restored.json", "b_restored.mp4", *summary]


def shell(*command: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(word) for word in command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200
    )


def test_as_a_program(tmp_path: Path, out: Path, tiny_weights: Path) -> None:
    """A warning and an error are a line each, with nothing before, between or after."""
    videos = folder(tmp_path / "in")
    copy_streams(make_video(tmp_path / "a.mkv"), videos / "a.mkv", ["video", "video"])
    written(videos / "b.mkv", b"no video")
    done = shell(
        sys.executable, "inference.py", "--degraded_video", videos, "--weights_path", tiny_weights, "--output_dir", out
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"inference.py: not in the output: video stream 1 (h264): {videos}/a.mkv",
        "inference.py: not a video that FFmpeg can read (Invalid data found when processing input); "
        f"convert it to .mp4: {videos}/b.mkv",
        "inference.py: 1 of 2 failed:",
        "inference.py:   not a video that FFmpeg can read (Invalid data found when processing input); "
        f"convert it to .mp4: {videos}/b.mkv",
    ]
    assert done.stdout.startswith(f"{out}/a_restored.mkv: 10 frames, ") and done.stdout.count("\n") == 1


def test_what_a_mask_hides_is_summed_up_before_the_work(tmp_path: Path, out: Path, tiny_weights: Path) -> None:
    video, mask = make_video(tmp_path / "a.mkv"), make_video(tmp_path / "mask.mkv", draw=quarter)
    inputs = "--degraded_video", video, "--mask_video", mask, "--weights_path", tiny_weights, "--output_dir", out
    done = shell(sys.executable, "inference.py", *inputs)
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        [f"inference.py: the mask hides 25.0% of all pixels, and something in 10 of 10 frames: {mask}"],
    )
