"""`--light`: what it changes in a file, what it leaves alone, and what the report says."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore.frame import Frame
from restore.inference.files import restore_file
from restore.inference.verify import verify
from restore.light.curve import Light
from restore.light.lit import lit
from restore.pipeline import Restorer
from tests.inference.command import Command
from tests.inference.test_files import read, white, write
from tests.light.footage import coffee, dark
from tests.propagation.footage import box

FRAMES = 6
LINE = rf"brightness was changed: {FRAMES} of {FRAMES} frames were given .* times their light"


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


def dim() -> np.ndarray:
    """`T 96 128 3`, a tenth of the light, noisy."""
    return np.stack([dark(coffee(), 0.1, seed) for seed in range(FRAMES)])


def lit_alone(clip: np.ndarray, light: str | float) -> np.ndarray:
    unhidden = np.zeros(clip.shape[1:3], np.float32)
    return np.stack([frame.image for frame in lit((Frame(image, mask=unhidden) for image in clip), light)])


def test_a_dark_video_is_restored_in_the_light_that_it_lacks(run: Command, tmp_path: Path, out: Path) -> None:
    clip = dim()
    write(tmp_path / "clip.mkv", clip)
    clean = write(tmp_path / "clean.mkv", coffee()[None].repeat(FRAMES, 0))
    with pytest.warns(UserWarning, match=LINE):
        assert run(degraded_video=tmp_path / "clip.mkv", original_video=clean, light="auto", lossless=True) == 0
    report = json.loads((out / "clip_restored.json").read_text())
    (scene,) = report["light"].pop("scenes")
    assert report["light"] == {"setting": "auto", "changed": 1.0} and report["settings"]["light"] == "auto"
    assert scene["frames"] == [0, FRAMES - 1] and 7 < scene["gain"][0] == scene["gain"][1] < 12
    assert scene["balance"] == [1.0, 1.0, 1.0]
    assert report["stages"] == ["find", "light", "propagate", "generate"]
    assert report["provenance"]["seen"] == 1.0
    # Before: the video as it is.
    error = np.square(clip.astype(float) - coffee()).mean()
    assert report["scores"]["before"]["psnr"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.05)
    assert report["scores"]["after"]["psnr"] > report["scores"]["before"]["psnr"] + 8
    assert read(out / "clip_restored.mkv").mean() == pytest.approx(coffee().mean(), rel=0.12)


def test_a_well_lit_video_comes_out_as_without_it(tmp_path: Path, restorer: Restorer) -> None:
    video = write(tmp_path / "clip.mkv", np.stack([np.roll(coffee(), 2 * t, 1) for t in range(FRAMES)]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = restore_file(restorer, video, tmp_path / "auto.mkv", lossless=True, light="auto")
    other = restore_file(restorer, video, tmp_path / "off.mkv", lossless=True)
    assert (tmp_path / "auto.mkv").read_bytes() == (tmp_path / "off.mkv").read_bytes()
    assert report["light"] == {"setting": "auto", "changed": 0.0, "scenes": []} and report["warnings"] == []
    assert other["light"] is None and other["settings"]["light"] == "off" and "light" not in other["stages"]


@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_at_no_strength_and_where_only_what_is_hidden_is_restored_the_rest_is_lit_and_nothing_more(
    tmp_path: Path, restorer: Restorer
) -> None:
    mask = box(FRAMES, 96, 128, (10, 20), (2, 3))
    video, given = write(tmp_path / "clip.mkv", dim()), white(tmp_path / "mask.mkv", mask)
    lighter = lit_alone(dim(), 8.0)
    settings: list[dict[str, Any]] = [{"strength": 0.0}, {"hidden_only": True}]
    for number, setting in enumerate(settings):
        result = tmp_path / f"{number}.mkv"
        restore_file(restorer, video, result, mask=given, lossless=True, light=8, **setting)
        assert np.array_equal(read(result)[mask == 0], lighter[mask == 0])
        assert not np.array_equal(read(result)[mask > 0], lighter[mask > 0])
    restore_file(restorer, video, tmp_path / "none.mkv", mask_mode="none", lossless=True, light=8, strength=0)
    assert np.array_equal(read(tmp_path / "none.mkv"), lighter)


@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_the_mask_is_the_same_in_any_light_and_given_back_it_restores_the_same(
    tmp_path: Path, restorer: Restorer
) -> None:
    clip = dim()
    clip[:, 20:60, 30:80] = 128
    mask = np.zeros(clip.shape[:3], np.float32)
    mask[:, 20:60, 30:80] = 1
    video, given = write(tmp_path / "clip.mkv", clip), white(tmp_path / "mask.mkv", mask)
    masks = [tmp_path / f"mask_{light}.mkv" for light in ("off", "auto")]
    for light, path in zip(("off", "auto"), masks, strict=True):
        restore_file(
            restorer, video, tmp_path / f"{light}.mkv", mask=given, write_mask=path, lossless=True, light=light
        )
    assert masks[0].read_bytes() == masks[1].read_bytes()
    report = restore_file(restorer, video, tmp_path / "again.mkv", mask=masks[1], lossless=True, light="auto")
    assert (tmp_path / "again.mkv").read_bytes() == (tmp_path / "auto.mkv").read_bytes()
    assert report["light"]["scenes"][0]["gain"][0] > 7  # of what is visible: the box is bright


@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_side_by_side_begins_with_the_video_as_it_is(tmp_path: Path, restorer: Restorer) -> None:
    video, both = write(tmp_path / "clip.mkv", dim()), tmp_path / "both.mkv"
    restore_file(restorer, video, tmp_path / "lit.mkv", write_side_by_side=both, lossless=True, light=10)
    pictures = read(both)[:, -96:]
    assert pictures[:, :, :128].mean() == pytest.approx(dim().mean(), abs=1.5)
    assert pictures[:, :, 128:256].mean() == pytest.approx(read(tmp_path / "lit.mkv").mean(), abs=1.5)


@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_the_report_proves_it(tmp_path: Path, tiny_weights: Path, restorer: Restorer) -> None:
    video = write(tmp_path / "clip.mkv", dim())
    restore_file(restorer, video, tmp_path / "lit.mkv", lossless=True, light=Light(6.0).gain, weights=tiny_weights)
    assert all(right for _, right in verify(tmp_path / "lit.json", again=True))


@pytest.mark.parametrize("light", ["-1", "0", "bright"])
def test_what_is_no_light_is_refused(
    run: Command, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str], light: str
) -> None:
    video = write(tmp_path / "clip.mkv", dim()[:1])
    assert run(degraded_video=video, light=light) == 2
    expected = f"light is {light}, expected auto, off, or a gain of more than 0; 4 makes four times the light"
    assert capsys.readouterr().err == f"inference.py: {expected}\n" and not out.exists()


def test_from_python_it_is_refused_before_anything_is_written(tmp_path: Path, restorer: Restorer) -> None:
    video = write(tmp_path / "clip.mkv", dim()[:1])
    with pytest.raises(ValueError, match=r"^light is 0, expected auto, off, or a gain of more than 0"):
        restore_file(restorer, video, tmp_path / "lit.mkv", light=0)
    assert not (tmp_path / "lit.mkv").exists()


def test_pictures_in_memory_are_lit_too(restorer: Restorer) -> None:
    mask = np.zeros(dim().shape[:3])
    results = list(restorer.restore_frames(dim(), mask, light="auto"))
    assert np.stack([result.frame.image for result in results]).mean() == pytest.approx(coffee().mean(), rel=0.12)
    assert all(np.array_equal(result.frame.given, picture) for result, picture in zip(results, dim(), strict=True))
    assert [result.frame.dark for result in restorer.restore_frames(dim(), mask)] == [None] * FRAMES
