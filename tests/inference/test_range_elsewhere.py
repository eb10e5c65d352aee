"""Ranges of fields, of what is regenerated, in other light, by a generator that sees single frames; copied pictures."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from restore.errors import VideoError
from restore.inference.files import restore_file
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from tests.inference.test_files import read, write
from tests.inference.test_resume_elsewhere import assert_goes_on
from tests.propagation.footage import at_rest, noisy
from tests.video.make import make_video, picture
from tests.video.test_copied_pictures import decoded
from tests.video.test_fields import make_interlaced


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


def assert_same(
    restorer: Restorer, video: Path, folder: Path, first: int, last: int, **settings: Any
) -> dict[str, Any]:
    """That a range has the frames of the whole => its report."""
    reports = [
        restore_file(restorer, video, folder / f"{name}.mkv", lossless=True, **settings, **more)
        for name, more in (("whole", {}), ("part", {"range": f"{first}-{last}", "only_range": True}))
    ]
    assert np.array_equal(read(folder / "part.mkv"), read(folder / "whole.mkv")[first : last + 1])
    return reports[1]


def test_fields(tmp_path: Path, restorer: Restorer) -> None:
    tape = make_interlaced(tmp_path / "tape.mp4", "libx264", True, frames=16)
    report = assert_same(restorer, tape, tmp_path, 5, 8, mask_mode="none")
    assert report["frames"] == 4 and report["range"]["frames"] == [5, 8] and report["range"]["seconds"] == [0.2, 0.36]


def test_what_is_regenerated(tmp_path: Path, restorer: Restorer, tiny_refiner: Path) -> None:
    """From the last cut on, as stretches of frames depend on where a scene begins."""
    from restore.refinement.hybrid import Hybrid, Refinement
    from restore.refinement.load import load_refiner

    video = write(tmp_path / "clip.mkv", np.concatenate([at_rest(30, seed=1), 255 - at_rest(50, seed=2) // 3]))
    mask = np.zeros((48, 64), np.uint8)
    mask[8:36, 16:48] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    hybrid = Hybrid(load_refiner(str(tiny_refiner)), Refinement(quality_steps=2, start=0.3))
    report = assert_same(restorer, video, tmp_path, 66, 68, mask=tmp_path / "mask.png", hybrid=hybrid)
    assert report["range"]["read_from"] == 24
    assert {tuple(region["frames"]) for region in report["regenerated"]["regions"]} == {(0, 2)}


def test_in_other_light(tmp_path: Path, restorer: Restorer) -> None:
    """The light of a scene has to do with all before it."""
    video = write(tmp_path / "clip.mkv", noisy(at_rest(40) // 12, 1))
    with pytest.warns(UserWarning, match="brightness was changed"):
        report = assert_same(restorer, video, tmp_path, 30, 33, mask_mode="none", light="auto")
    assert report["range"]["read_from"] == 0 and report["light"]["scenes"][0]["frames"] == [0, 3]


def test_by_single_frames(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classic = Restorer(Pix2PixUNet(width=4), device="cpu", precision="float32")
    video = write(tmp_path / "clip.mkv", np.stack([picture(index) for index in range(20)]))
    assert_same(classic, video, tmp_path, 5, 6, mask_mode="none")


def test_coded_pictures_are_copied(tmp_path: Path, restorer: Restorer) -> None:
    """Bit for bit where key frames allow it, and again where the run goes on."""
    frames = 120
    groups = {"x264-params": "keyint=10:scenecut=0:open-gop=0"}
    video = make_video(tmp_path / "clip.mp4", range(frames), options=groups, seconds_of_sound=frames / 25)

    def restore(output: Path, **settings: Any) -> dict[str, Any]:
        with pytest.warns(UserWarning, match="frames 0 to 39 and 100 to 119 are copied as they are coded; the others"):
            return restore_file(restorer, video, output, segment=24, mask_mode="none", range="44-98", **settings)

    assert_goes_on(restore, tmp_path, ".mp4", stop=97, done=96)
    before, after = decoded(video), decoded(tmp_path / "again.mp4")
    assert [time for time, _ in before] == [time for time, _ in after]
    same = [np.array_equal(one, other) for (_, one), (_, other) in zip(before, after, strict=True)]
    assert all(same[:40]) and all(same[100:]) and not any(same[44:99])
    report = json.loads((tmp_path / "again.json").read_text())
    assert report["range"]["copied"] == [[0, 39], [100, 119]] and report["provenance"]["seen"] == 1


def test_a_line_says_that_nothing_can_be_copied(tmp_path: Path, restorer: Restorer) -> None:
    with pytest.warns(UserWarning, match="frames outside the range are encoded anew too"):
        restore_file(restorer, make_video(tmp_path / "clip.avi"), tmp_path / "out.avi", mask_mode="none", range="2-3")


def test_a_picture_that_changes_its_size(tmp_path: Path, restorer: Restorer) -> None:
    small, large = (
        make_video(tmp_path / f"{side}.ts", range(6), size=(side, 48), codec="libx264") for side in (64, 80)
    )
    video = tmp_path / "clip.ts"
    video.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(
        VideoError, match="the picture changes its size after 6 frames, and a range is of one size; ask"
    ):
        restore_file(restorer, video, tmp_path / "out.mkv", mask_mode="none", range="2-3", lossless=True)
    assert not list(tmp_path.glob("*out*"))
    report = restore_file(restorer, video, tmp_path / "out.mkv", mask_mode="none", range="2-5", only_range=True)
    assert report["frames"] == 4 and report["next_part"] is None and report["broken"] is None
    with pytest.raises(VideoError, match=r"which has frames 0 to 5 and lasts 0:00.24 \(the picture changes size"):
        restore_file(restorer, video, tmp_path / "no.mkv", mask_mode="none", range="2-6", only_range=True)
