"""The command line of inference.py: what it accepts, what it refuses and how it says so, folders, shared folders."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
import pytest
import torch

import inference
from restore.models.discriminator import PatchGAN
from restore.models.weights import save_models
from restore.video.reader import VideoReader
from tests.video.make import MILLI, UNEVEN, cut_in_half, make_video, noise, packets_of

ROOT = Path(inference.__file__).parent
Command = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(tiny_weights: Path, out: Path) -> Command:
    """`inference.py` in this process, with tiny weights and `out` for what is not given. Its exit code."""

    def main(**flags: object) -> int:
        flags = {"weights_path": tiny_weights, "output_dir": out, "device": "cpu"} | flags
        argv = []
        for name, value in flags.items():
            argv += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return inference.main(argv)

    return main


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def frames_in(path: Path) -> int:
    with VideoReader(path) as reader:
        return sum(1 for _ in reader)


def copy_streams(source: Path, path: Path, kinds: list[str]) -> Path:
    """A file with the first stream of each of `kinds` of `source`, one after the other."""
    with av.open(str(path), "w") as output, ExitStack() as stack:
        inputs = [stack.enter_context(av.open(str(source))) for _ in kinds]
        streams = [getattr(container.streams, kind)[0] for container, kind in zip(inputs, kinds, strict=True)]
        copies = [output.add_stream_from_template(stream) for stream in streams]
        for container, stream, copy in zip(inputs, streams, copies, strict=True):
            for packet in container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    output.mux(packet)
    return path


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


def test_lossless(run: Command, tmp_path: Path, out: Path) -> None:
    assert run(degraded_video=make_video(tmp_path / "clip.avi"), lossless=True) == 0
    assert left_in(out) == ["clip_restored.json", "clip_restored.mkv"]
    with VideoReader(out / "clip_restored.mkv") as reader:
        assert (reader.info.codec, reader.info.pix_fmt) == ("ffv1", "bgr0")


def test_quality(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", draw=noise)
    sizes = []
    for quality in (10, 40):
        assert run(degraded_video=video, quality=quality, overwrite=True) == 0
        sizes.append((out / "clip_restored.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_variable_rate_is_kept(run: Command, tmp_path: Path, out: Path, name: str) -> None:
    assert run(degraded_video=make_video(tmp_path / name, UNEVEN, time_base=MILLI)) == 0
    with VideoReader(out / name.replace("clip", "clip_restored")) as reader:
        assert [frame.pts * frame.time_base for frame in reader] == [ms * MILLI for ms in UNEVEN]


def test_one_frame_of_odd_size(run: Command, tmp_path: Path, out: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", range(1), size=(35, 27), pix_fmt="yuv444p")
    assert run(degraded_video=video) == 0
    with VideoReader(out / "clip_restored.mp4") as reader:
        assert [frame.image.shape for frame in reader] == [(27, 35, 3)]


def test_the_hidden_share_is_the_masks(run: Command, tmp_path: Path, out: Path) -> None:
    def quarter(_: int, width: int, height: int) -> np.ndarray:
        mask = np.zeros((height, width, 3), np.uint8)
        mask[: height // 2, : width // 2] = 255
        return mask

    video = make_video(tmp_path / "clip.mp4")
    assert run(degraded_video=video, mask_video=make_video(tmp_path / "mask.mp4", draw=quarter)) == 0
    assert json.loads((out / "clip_restored.json").read_text())["hidden"] == 0.25


# What is wrong with the input => the line that says so. Each makes the flags in the folder that it is given.
REFUSED: dict[str, tuple[Callable[[Path], dict[str, object]], str]] = {
    "missing": (lambda at: {"degraded_video": at / "no.mp4"}, "no such file or folder; check the path: {at}/no.mp4"),
    "text": (
        lambda at: {"degraded_video": written(at / "text.mp4", b"What is written here is no video.\n")},
        "not a video that FFmpeg can read (Invalid data found when processing input); "
        "convert it to .mp4: {at}/text.mp4",
    ),
    "empty": (
        lambda at: {"degraded_video": written(at / "empty.avi", b"")},
        "the file is empty (0 bytes), expected a video; copy it again: {at}/empty.avi",
    ),
    "no frames": (
        lambda at: {"degraded_video": make_video(at / "none.avi", range(0))},
        "no frame can be decoded (its video stream is empty); copy the video again: {at}/none.avi",
    ),
    "no picture": (
        lambda at: {"degraded_video": sound_only(at / "sound.mkv")},
        "no video stream in it (got: audio); give a file with moving pictures: {at}/sound.mkv",
    ),
    "empty folder": (
        lambda at: {"degraded_video": folder(at / "none")},
        "no video in this folder, expected some of .avi, .m4v, .mkv, .mov, .mp4, .webm; give another folder: {at}/none",
    ),
    "extension": (
        lambda at: {"degraded_video": make_video(at / "a.mp4").rename(at / "a.mpg")},
        "got the extension '.mpg', expected one of .avi, .m4v, .mkv, .mov, .mp4, .webm; "
        "convert it, or ask for lossless output, which is .mkv: {at}/a.mpg",
    ),
    "size of a mask": (
        lambda at: good(at) | {"mask_video": make_video(at / "mask.mp4", size=(32, 32))},
        "mask is 32x32, video is 64x48; give one of the video's size: {at}/mask.mp4",
    ),
    "length of a mask": (
        lambda at: good(at) | {"mask_video": make_video(at / "mask.mp4", range(8))},
        "mask has 8 frames, video has 10; give one mask frame per video frame: {at}/mask.mp4",
    ),
    "length of an original": (
        lambda at: good(at) | {"original_video": make_video(at / "clean.mkv", range(12))},
        "original has 12 frames, video has 10; give one original frame per video frame: {at}/clean.mkv",
    ),
    "one mask for a folder": (
        lambda at: {"degraded_video": two(at / "in"), "mask_video": make_video(at / "mask.mp4")},
        "got one file for 2 videos; give a folder with one for each, by stem: {at}/mask.mp4",
    ),
    "a mask too few": (
        lambda at: {"degraded_video": two(at / "in"), "mask_video": make_video(folder(at / "m") / "a.mp4").parent},
        "no file of the stem 'b' for {at}/in/b.mp4; add b.EXT (.avi, .m4v, .mkv, .mov, .mp4, .webm): {at}/m",
    ),
    "one stem twice": (
        lambda at: {"degraded_video": make_video(two(at / "in") / "a.avi").parent},
        "has the stem of {at}/in/a.avi, so their results would have one name; rename it: {at}/in/a.mp4",
    ),
    "output under a file": (
        lambda at: good(at) | {"output_dir": written(at / "file", b"") / "out"},
        "the output folder cannot be written (Not a directory); choose another: {at}/file/out",
    ),
    "a file as folder": (
        lambda at: good(at) | {"output_dir": written(at / "file", b"")},
        "the output folder cannot be written (File exists); choose another: {at}/file",
    ),
    "no weights": (
        lambda at: good(at) | {"weights_path": at / "no.pth"},
        "no such weights file; train.py writes it: {at}/no.pth",
    ),
    "quality off the scale": (
        lambda at: good(at) | {"quality": 52},
        "got quality 52, expected 0 (best) to 51 of libx264: {at}/out/clip_restored.mp4",
    ),
    "quality of lossless": (
        lambda at: good(at) | {"quality": 5, "lossless": True},
        "quality is 5, and lossless output has only one; give one of the two",
    ),
    "lpips of nothing": (
        lambda at: good(at) | {"lpips": True},
        "lpips compares with an original; give --original_video too",
    ),
    "stages": (
        lambda at: good(at) | {"stages": "magic"},
        "--stages: invalid choice: 'magic' (choose from 'generator'); --help lists all",
    ),
    "flag": (lambda at: good(at) | {"degraded": 1}, "unknown flag --degraded; did you mean --degraded_video?"),
    "nothing": (
        lambda at: {},
        "--degraded_video is missing; give the flag, or `degraded_video: ...` in the --config file",
    ),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def sound_only(path: Path) -> Path:
    return copy_streams(make_video(path.with_name("whole.mkv"), seconds_of_sound=0.3), path, ["audio"])


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def good(at: Path) -> dict[str, object]:
    return {"degraded_video": make_video(at / "clip.mp4")}


def two(path: Path) -> Path:
    path.mkdir()
    return make_video(make_video(path / "a.mp4").with_name("b.mp4")).parent


@pytest.mark.parametrize("case", REFUSED)
def test_refused(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    flags, message = REFUSED[case]
    assert run(**flags(tmp_path)) == 2
    assert capsys.readouterr().err == f"inference.py: {message.format(at=tmp_path)}\n"
    assert left_in(out) == []


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    assert run(**good(tmp_path), device=device) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"inference.py: device is '{device}', which cannot be used (") and line.count("\n") == 1
    assert line.endswith("); give cpu, cuda or cuda:N\n")
    assert left_in(out) == []


class Attack:
    """A pickle of it makes a file when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self.file), os.O_CREAT)


@pytest.mark.parametrize("kind", ["other model", "other program", "cut short", "text", "code", "code in a zip"])
def test_weights_that_are_none(
    run: Command, tmp_path: Path, out: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "generator.pth"
    attack = {"format": Attack(tmp_path / "attacked")}
    if kind == "other model":
        save_models(path, {"discriminator": (PatchGAN(), {})})
        message = "holds discriminator, expected generator; "
    elif kind == "other program":
        torch.save({"state_dict": {"weight": torch.zeros(3)}}, path)
        message = "weights of another program: "
    elif kind == "cut short":
        path.write_bytes(tiny_weights.read_bytes()[:-2000])
        message = "the weights file is broken or cut short; "
    elif kind == "text":
        path.write_text("weights")
        message = "not a file of plain weights "
    elif kind == "code":
        path.write_bytes(pickle.dumps(attack, protocol=2))
        message = "not a file of plain weights (it holds code, or is no weights file); not loaded: "
    else:
        torch.save(attack, path)
        message = "not a file of plain weights (it holds code, or is no weights file); not loaded: "
    assert run(**good(tmp_path), weights_path=path) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"inference.py: {message}") and line.endswith(f": {path}\n") and line.count("\n") == 1
    assert left_in(out) == []
    assert not (tmp_path / "attacked").exists()
    if kind == "code":  # the attack is one
        pickle.loads(path.read_bytes())
        assert (tmp_path / "attacked").exists()


def test_an_output_that_exists(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "clip.mp4")
    assert run(degraded_video=video) == 0
    restored = (out / "clip_restored.mp4").read_bytes()
    assert run(degraded_video=video, quality=40) == 2
    said = "the output exists already; move it away, or ask to overwrite it: "
    assert capsys.readouterr().err == f"inference.py: {said}{out / 'clip_restored.mp4'}\n"
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


def test_a_folder(run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad videos do not hold up the others, and the same command goes on with what is not done."""
    videos = two(tmp_path / "in")
    broken = cut_in_half(make_video(videos / "c.avi", range(30), draw=noise))
    broken.replace(videos / "c.avi")
    written(videos / "d.mp4", b"no video")
    assert run(degraded_video=videos) == 2
    assert left_in(out) == [
        f"{stem}_restored.{end}"
        for stem, ends in {"a": ("json", "mp4"), "b": ("json", "mp4"), "c": ("avi", "json")}.items()
        for end in ends
    ]
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [str(videos / "c.avi"), str(videos / "d.mp4")]

    # The bad ones are replaced by good copies; `b` was never restored.
    make_video(videos / "c.avi", range(30))
    make_video(videos / "d.mp4")
    (out / "b_restored.mp4").unlink()
    (out / "b_restored.json").unlink()
    before = (out / "a_restored.mp4").stat().st_mtime_ns
    assert run(degraded_video=videos) == 0
    said, heard = capsys.readouterr()
    assert (
        said.splitlines()[0] == f"{out}/a_restored.mp4: restored before, left as it is (--overwrite restores it anew)"
    )
    assert len(said.splitlines()) == 4 and heard == ""
    assert (out / "a_restored.mp4").stat().st_mtime_ns == before
    assert [frames_in(out / f"{name}") for name in ("b_restored.mp4", "c_restored.avi", "d_restored.mp4")] == [
        10,
        30,
        10,
    ]
    assert len(left_in(out)) == 8


def test_a_folder_with_a_file_of_someone_elses(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = two(tmp_path / "in")
    out.mkdir()
    (out / "b_restored.mp4").write_text("mine")
    assert run(degraded_video=videos) == 2
    assert "the output exists already" in capsys.readouterr().err
    assert left_in(out) == ["b_restored.mp4"]


def test_results_inside_the_folder_are_not_restored_again(run: Command, tmp_path: Path) -> None:
    videos = two(tmp_path / "in")
    for _ in range(2):
        assert run(degraded_video=videos, output_dir=videos / "restored") == 0
        assert run(degraded_video=videos, output_dir=videos) == 0
    assert len(list(videos.rglob("*.mp4"))) == 6


def test_masks_and_originals_of_a_folder(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, originals, masks = two(tmp_path / "in"), two(tmp_path / "originals"), folder(tmp_path / "masks")
    for stem in "ab":
        make_video(masks / f"{stem}.mkv", draw=lambda _, w, h: np.zeros((h, w, 3), np.uint8))
    assert run(degraded_video=videos, original_video=originals, mask_video=masks) == 0
    said = capsys.readouterr().out
    assert said.count("\na  ") == said.count("\nb  ") == said.count("\nmean") == 2
    report = json.loads((out / "b_restored.json").read_text())
    assert (report["mask"], report["original"]) == (str(masks / "b.mkv"), str(originals / "b.mp4"))
    assert report["scores"]["regions"] == "given"


def test_ctrl_c(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = two(tmp_path / "in")
    write = VideoReader.__init__

    def interrupted(reader: VideoReader, path: Path) -> None:
        if (out / "a_restored.json").exists():
            raise KeyboardInterrupt
        write(reader, path)

    with monkeypatch.context() as patch:
        patch.setattr(VideoReader, "__init__", interrupted)
        assert run(degraded_video=videos) == 130
    assert capsys.readouterr().err == "inference.py: interrupted; the videos that are done are kept\n"
    assert left_in(out) == ["a_restored.json", "a_restored.mp4"]
    assert run(degraded_video=videos) == 0
    assert len(left_in(out)) == 4


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
    ]
    assert done.stdout.startswith(f"{out}/a_restored.mkv: 10 frames, ") and done.stdout.count("\n") == 1


def test_two_processes_share_a_folder(tmp_path: Path, out: Path, tiny_weights: Path) -> None:
    videos = two(tmp_path / "in")
    make_video(videos / "c.mp4")
    # `accelerate launch --cpu` starts a single process, whatever --num_processes says (1.15); torchrun starts two.
    done = shell(
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        2,
        "inference.py",
        "--degraded_video",
        videos,
        "--original_video",
        videos,
        "--weights_path",
        tiny_weights,
        "--output_dir",
        out,
    )
    assert done.returncode == 0, done.stderr
    assert left_in(out) == [f"{stem}_restored.{end}" for stem in "abc" for end in ("json", "mp4")]
    # Each file once, and one table of all.
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines() if "_restored.mp4: " in line) == [
        str(out / f"{stem}_restored.mp4") for stem in "abc"
    ]
    assert done.stdout.count("after restoring") == 1 and done.stdout.count("\nmean") == 2
