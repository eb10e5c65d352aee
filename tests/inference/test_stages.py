"""`--stages hybrid` and `fill`: what the refiner may change, what it may not, and what the report says of it."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from restore.__main__ import main
from restore.propagation.provenance import FILLED, REGENERATED
from restore.video.reader import VideoReader
from tests.inference.command import Command, left_in
from tests.video.make import make_video

HOLE = slice(8, 36), slice(16, 48)  # rows and columns; hidden in every frame


@pytest.fixture
def given(tmp_path: Path, tiny_refiner: Path) -> dict[str, Any]:
    """A clip and a mask with one large hole that stays, as flags; what is written is lossless."""

    def mask(_: int, width: int, height: int) -> np.ndarray:
        hidden = np.zeros((height, width, 3), np.uint8)
        hidden[HOLE] = 255
        return hidden

    return {
        "degraded_video": make_video(tmp_path / "clip.mp4"),
        "mask_video": make_video(tmp_path / "mask.mkv", draw=mask, codec="ffv1", pix_fmt="gray"),
        "refiner": tiny_refiner,
        "quality_steps": 3,
        "lossless": True,
        "overwrite": True,
    }


def clip(path: Path) -> np.ndarray:
    with VideoReader(path) as reader:
        return np.stack([frame.image for frame in reader])


def restored(out: Path, name: str = "clip") -> tuple[np.ndarray, dict[str, Any]]:
    """The frames and the report."""
    return clip(out / f"{name}_restored.mkv"), json.loads((out / f"{name}_restored.json").read_text())


def hole() -> np.ndarray:
    mask = np.zeros((48, 64), bool)
    mask[HOLE] = True
    return mask


def test_the_page_lists_what_was_regenerated(run: Command, out: Path, given: dict[str, Any]) -> None:
    assert run(**given, stages="hybrid", seed=3, report=True) == 0
    page = (out / "clip_report.html").read_text()
    regions = restored(out)[1]["regenerated"]["regions"]
    assert regions
    for one in regions:
        assert f"<td>{one['left']}, {one['top']}</td><td>{one['width']}x{one['height']}</td>" in page
    assert "seed: <bdi>3</bdi>" in page and "RePaint" in page and "TD-Paint" in page


def test_what_was_refined_is_proven_with_the_refiner(
    run: Command, out: Path, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its weights have a SHA-256, the same work gives the same bytes, and another refiner is told from it."""
    given |= {"stages": "hybrid", "seed": 3, "refiner": Path(copytree(given["refiner"], tmp_path / "refiner"))}
    assert run(**given) == 0
    report = out / "clip_restored.json"
    capsys.readouterr()
    assert main(["verify", str(report), "--again"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"refiner is the same: {given['refiner']}" in lines
    assert lines[-1] == "restored again, to the same bytes: clip_restored.mkv"

    del given["overwrite"]
    assert run(**given) == 0
    with open(given["refiner"] / "unet/config.json", "a") as file:
        file.write("\n")
    capsys.readouterr()
    assert main(["verify", str(report)]) == 1
    assert f"refiner has changed: {given['refiner']}" in capsys.readouterr().out.splitlines()
    assert run(**given) == 2
    assert "the file of refiner has changed" in capsys.readouterr().err


def test_hybrid_changes_the_hole_alone_and_says_so(run: Command, out: Path, given: dict[str, Any]) -> None:
    assert run(**given) == 0
    generator, plain = restored(out)
    assert plain["regenerated"] is None and plain["provenance"]["regenerated"] == 0
    assert run(**given, stages="hybrid", seed=3, provenance=True) == 0
    hybrid, report = restored(out)
    assert np.array_equal(hybrid[:, ~hole()], generator[:, ~hole()])
    assert (hybrid[:, hole()] != generator[:, hole()]).mean() > 0.5
    assert report["stages"] == ["propagate", "generate", "refine"]
    settings = report["regenerated"]
    assert (settings["quality_steps"], settings["seed"], settings["heavy_side"]) == (3, 3, 0.1)
    (region,) = settings["regions"]
    assert region["frames"] == [0, 9]
    assert region["top"] <= 8 and region["top"] + region["height"] >= 36
    # What is regenerated was filled before; nothing else changes its kind.
    codes = clip(out / "clip_provenance.mkv")[..., 0]
    assert set(np.unique(codes[:, hole()])) <= {1, REGENERATED} and (codes == REGENERATED).any()
    assert report["provenance"]["regenerated"] == pytest.approx(plain["provenance"]["filled"])
    assert (codes != FILLED).all()


def test_the_seed_decides(run: Command, out: Path, given: dict[str, Any]) -> None:
    fills = []
    for seed in (1, 1, 2):
        assert run(**given, stages="hybrid", seed=seed) == 0
        fills.append(restored(out)[0])
    assert np.array_equal(fills[0], fills[1]) and not np.array_equal(fills[0], fills[2])


def test_fill_leaves_visible_pixels_as_they_are_bit_for_bit(run: Command, out: Path, given: dict[str, Any]) -> None:
    assert run(**given, stages="fill") == 0
    got, report = restored(out)
    source = clip(Path(given["degraded_video"]))
    assert np.array_equal(got[:, ~hole()], source[:, ~hole()])
    assert (got[:, hole()] != source[:, hole()]).mean() > 0.5
    assert report["stages"] == ["propagate", "generate", "refine", "hidden only"]


def test_without_a_heavy_region_hybrid_is_the_generator(run: Command, out: Path, given: dict[str, Any]) -> None:
    assert run(**given) == 0
    generator, _ = restored(out)
    assert run(**given, stages="hybrid", heavy_side=0.9) == 0
    hybrid, report = restored(out)
    assert np.array_equal(hybrid, generator) and report["regenerated"]["regions"] == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"refiner": "nowhere"}, "no such folder, and not a hub id (OWNER/NAME); give the refiner's folder: nowhere"),
        ({"refiner": "nobody/nothing"}, "no such folder, and the refiner cannot be downloaded"),
        ({"prompt": "a cat"}, "got a prompt, and this refiner has no text encoder; leave the prompt out"),
        ({"quality_steps": 0}, "quality_steps is 0, expected at least 1"),
        ({"start": 0}, "start is 0.0, expected more than 0 and at most 1"),
        ({"heavy_side": 24}, "heavy_side is 24.0, expected more than 0 and at most 1"),
        ({"stages": "generator", "prompt": "a cat"}, "a prompt or a motion adapter is for the refiner; give --stages"),
        ({"sampler": "euler"}, "--sampler: invalid choice: 'euler'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    run: Command,
    out: Path,
    given: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    flags: dict[str, Any],
    message: str,
) -> None:
    assert run(**given | {"stages": "hybrid"} | flags) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not left_in(out)


def test_several_seeds_write_how_far_they_are_apart(run: Command, out: Path, given: dict[str, Any]) -> None:
    given |= {"stages": "hybrid", "seed": 3, "confidence": True}
    assert run(**given) == 0
    one, sure = restored(out)[0], clip(out / "clip_confidence.mkv")[..., 0]
    assert not (out / "clip_uncertainty.mkv").exists()
    assert run(**given, seeds=3) == 0
    several, report = restored(out)
    uncertainty, unsure = (clip(out / f"clip_{name}.mkv")[..., 0] for name in ("uncertainty", "confidence"))
    assert np.array_equal(several, one)  # the first seed's
    assert (uncertainty[:, ~hole()] == 0).all() and uncertainty[:, hole()].mean() > 0.3
    assert (unsure <= sure).all()
    assert report["regenerated"]["seeds"] == 3 and "clip_uncertainty.mkv" in {*report["side_files"]}
    assert run(**given, seeds=0) == 2
