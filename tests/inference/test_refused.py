"""The command line of inference.py: what it refuses, in one line and before anything is written."""

import importlib.util
import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restore.models.discriminator import PatchGAN
from restore.models.weights import save_models
from tests.inference.command import Command, copy_streams, folder, good, left_in, two, written
from tests.video.make import make_video

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
    "size of a mask": (
        lambda at: good(at) | {"mask_video": make_video(at / "mask.mp4", size=(32, 32))},
        "mask is 32x32, video is 64x48; give one of the video's size: {at}/mask.mp4",
    ),
    "length of a mask": (
        lambda at: good(at) | {"mask_video": make_video(at / "mask.mp4", range(8))},
        "mask has 8 frames, video has 10; give one mask frame per video frame: {at}/mask.mp4",
    ),
    "rate of a mask": (
        lambda at: good(at) | {"mask_video": make_video(at / "mask.mp4", range(5), rate=12, time_base=Fraction(1, 12))},
        "mask has 12 frames a second, video has 25; "
        "give one of the video's rate, or a folder of images, which has none: {at}/mask.mp4",
    ),
    "length of a folder of masks": (
        lambda at: good(at) | {"mask_video": masks(at / "mask", 9)},
        "mask has 9 frames, video has 10; give one mask frame per video frame: {at}/mask",
    ),
    "size of an image": (
        lambda at: good(at) | {"mask_video": masks(at / "mask", 1, (32, 20)) / "1.png"},
        "mask is 32x20, video is 64x48; give one of the video's size: {at}/mask/1.png",
    ),
    "a mask that is no image": (
        lambda at: good(at) | {"mask_video": written(at / "mask.png", b"no image")},
        "not a whole image (PNG, JPEG, BMP, TIFF, WebP); save it again as .png: {at}/mask.png",
    ),
    "a mode without its mask": (
        lambda at: good(at) | {"mask_mode": "both"},
        "mask_mode is both, and there is no mask; give --mask_video too",
    ),
    "a kind that is unknown": (
        lambda at: good(at) | {"remove": "dirt,rain"},
        "remove has 'rain', expected some of leaves,boxes,dirt,drops,flare,scratches,text",
    ),
    "no kind": (
        lambda at: good(at) | {"remove": ""},
        "remove has '', expected some of leaves,boxes,dirt,drops,flare,scratches,text",
    ),
    "kinds of what is not looked for": (
        lambda at: good(at) | {"remove": "text", "mask_video": make_video(at / "mask.mp4")},
        "remove is for what is found, and nothing is looked for; give --mask_mode found or both",
    ),
    "less than no dilation": (
        lambda at: good(at) | {"mask_dilation": -1},
        "mask_dilation is -1, expected 0 pixels or more",
    ),
    "a strength above 1": (lambda at: good(at) | {"strength": 1.01}, "strength is 1.01, expected 0 to 1"),
    "no threads": (lambda at: good(at) | {"threads": 0}, "threads is 0, expected at least 1"),
    "a strength below 0": (lambda at: good(at) | {"strength": -1}, "strength is -1.0, expected 0 to 1"),
    "a mask file that exists": (
        lambda at: (
            good(at) | {"write_mask": True, "output_dir": written(folder(at / "o") / "clip_mask.mkv", b"").parent}
        ),
        "the output exists already; move it away, or ask to overwrite it: {at}/o/clip_mask.mkv",
    ),
    "a second part that exists": (
        lambda at: good(at) | {"output_dir": written(folder(at / "o") / "clip_restored.part2.mp4", b"").parent},
        "the output exists already; move it away, or ask to overwrite it: {at}/o/clip_restored.part2.mp4",
    ),
    "a provenance file that exists": (
        lambda at: (
            good(at) | {"provenance": True, "output_dir": written(folder(at / "o") / "clip_provenance.mkv", b"").parent}
        ),
        "the output exists already; move it away, or ask to overwrite it: {at}/o/clip_provenance.mkv",
    ),
    "a video side by side that exists": (
        lambda at: (
            good(at)
            | {"side_by_side": True, "output_dir": written(folder(at / "o") / "clip_side_by_side.mp4", b"").parent}
        ),
        "the output exists already; move it away, or ask to overwrite it: {at}/o/clip_side_by_side.mp4",
    ),
    "a mask over itself": (
        lambda at: (
            good(at)
            | {"mask_video": make_video(at / "clip_mask.mkv"), "write_mask": True, "overwrite": True, "output_dir": at}
        ),
        "is an input, and a result would be written over it; choose another folder: {at}/clip_mask.mkv",
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
        "no file of the stem 'b' for {at}/in/b.mp4; add b.EXT "
        "(.avi, .m4v, .mkv, .mov, .mp4, .webm, an image, or a folder of images): {at}/m",
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
        "--stages: invalid choice: 'magic' (choose from 'generator', 'hybrid', 'fill', 'copy'); --help lists all",
    ),
    "flag": (lambda at: good(at) | {"degraded": 1}, "unknown flag --degraded; did you mean --degraded_video?"),
    "nothing": (
        lambda at: {},
        "--degraded_video is missing; give the flag, or `degraded_video: ...` in the --config file",
    ),
}


def masks(path: Path, count: int, size: tuple[int, int] = (64, 48)) -> Path:
    """A folder of black images, `1.png`, `2.png`, ..."""
    path.mkdir()
    for index in range(count):
        cv2.imwrite(str(path / f"{index + 1}.png"), np.zeros(size[::-1], np.uint8))
    return path


def sound_only(path: Path) -> Path:
    return copy_streams(make_video(path.with_name("whole.mkv"), seconds_of_sound=0.3), path, ["audio"])


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


@pytest.mark.parametrize("package", ["ncnn", None])
def test_an_engine_that_cannot(
    run: Command,
    tmp_path: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    package: str | None,
) -> None:
    if package:  # is not installed
        found = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    assert run(**good(tmp_path), engine="ncnn", **({} if package else {"precision": "bfloat16"})) == 2
    line = capsys.readouterr().err
    assert line.startswith("inference.py: engine is ncnn, which ") and line.count("\n") == 1
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
