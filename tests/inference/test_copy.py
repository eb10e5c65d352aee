"""`--stages copy`: evidence without generation. What the video, its sidecars and its report say; what is refused."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restore.__main__ import main as restore_main
from restore.errors import WeightsError
from restore.inference.files import restore_file
from restore.inference.verify import verify
from restore.models.weights import save_models
from restore.pipeline import Restorer
from restore.propagation.copies import UNSEEN_COLOUR
from restore.propagation.provenance import COPIED, SEEN, UNSEEN
from tests.inference.command import Command, left_in
from tests.inference.test_files import read, white, write
from tests.inference.test_light import dim, lit_alone
from tests.inference.test_resume_elsewhere import assert_goes_on
from tests.networks import white_finder
from tests.propagation.footage import at_rest, box, covered, noisy, pan
from tests.video.test_fields import make_interlaced

FRAMES = 12
FIXED = slice(30, 40), slice(40, 50)  # rows and columns that are hidden in every frame


def mask() -> np.ndarray:
    """A box that moves away, and one that stays."""
    hidden = box(FRAMES, 48, 64, (10, 4), step=(0, 3))
    hidden[:, *FIXED] = 1
    return hidden


def clip() -> np.ndarray:
    return covered(noisy(at_rest(FRAMES), 4), mask())


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """A clip and its mask, as flags; there are no weights."""
    return {
        "degraded_video": write(tmp_path / "clip.mkv", clip()),
        "mask_video": white(tmp_path / "mask.mkv", mask()),
        "weights_path": tmp_path / "nowhere.pth",
        "stages": "copy",
        "lossless": True,
    }


def report_in(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "clip_restored.json").read_text()))


def test_it_is_seen_or_copied_or_marked_and_the_report_says_so(
    run: Command, tmp_path: Path, out: Path, given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    original = write(tmp_path / "original.mkv", at_rest(FRAMES))
    sides = {"provenance": True, "confidence": True, "write_mask": True, "side_by_side": True, "report": True}
    assert run(**given, **sides, original_video=original) == 0
    images, codes = read(out / "clip_restored.mkv"), read(out / "clip_provenance.mkv")[..., 0]
    assert np.array_equal(images[mask() == 0], clip()[mask() == 0])
    assert (images[:, *FIXED] == UNSEEN_COLOUR).all() and (codes[:, *FIXED] == UNSEEN).all()
    copy = codes == COPIED
    assert copy.mean() > 0.04 and np.abs(images[copy].astype(int) - at_rest(FRAMES)[copy]).mean() < 2
    confidence = read(out / "clip_confidence.mkv")[..., 0]
    assert (confidence[codes == SEEN] == 255).all() and (confidence[codes == UNSEEN] == 0).all()
    assert ((confidence > 0) & (confidence < 255))[copy].all()

    report = report_in(out)
    assert report["stages"] == ["propagate", "mark"] and report["unseen_colour"] == list(UNSEEN_COLOUR)
    assert [report[name] for name in ("weights", "precision", "engine", "estimated", "regenerated")] == [None] * 5
    assert report["sha256"]["weights"] is None and report["sha256"]["segmenter"] is None
    shares = {"seen": SEEN, "copied": COPIED, "unseen": UNSEEN}
    wanted = {name: round(float((codes == code).mean()), 6) for name, code in shares.items()}
    assert report["provenance"] == {"filled": 0, "regenerated": 0} | wanted
    before, after = report["scores"]["before"], report["scores"]["after"]
    assert after["psnr_seen"] == before["psnr_seen"]
    error = np.square(images[mask() > 0].astype(float) - at_rest(FRAMES)[mask() > 0]).mean()  # marks count
    assert after["psnr_hole"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)

    page = (out / "clip_report.html").read_text()
    assert "Nothing was generated: no network computed a pixel" in page and "128, 0, 255" in page
    assert "What is visible stays as it came in" in page and "What is marked counts as an error" in page
    for step in ("Generate", "Filter in time", "Detect"):
        assert f". {step}</h3>" not in page
    capsys.readouterr()
    assert restore_main(["verify", "--again", str(out / "clip_restored.json")]) == 0
    assert "restored again, to the same bytes: clip_restored.mkv" in capsys.readouterr().out


def test_where_nothing_is_hidden_the_video_comes_out_as_it_went_in(
    run: Command, out: Path, given: dict[str, Any]
) -> None:
    del given["mask_video"]
    assert run(**given, mask_mode="none") == 0
    assert np.array_equal(read(out / "clip_restored.mkv"), clip())
    assert report_in(out)["provenance"] == {"seen": 1, "copied": 0, "filled": 0, "regenerated": 0, "unseen": 0}


def test_a_mask_is_found_with_weights_that_hold_no_generator(
    run: Command, tmp_path: Path, out: Path, given: dict[str, Any]
) -> None:
    weights, shape = tmp_path / "finder.pth", {"unshuffle": 1, "widths": [8], "blocks": [1], "decoder_blocks": []}
    save_models(weights, {"finder": (white_finder(), shape)})
    pictures = np.minimum(clip(), 200)
    pictures[:, *FIXED] = 255
    video = write(tmp_path / "clip.mkv", pictures)
    del given["mask_video"]
    flags = given | {"degraded_video": video, "weights_path": weights, "engine": "torch", "mask_mode": "all"}
    assert run(**flags, report=True) == 0
    report = report_in(out)
    assert report["stages"] == ["find", "propagate", "mark"] and report["sha256"]["weights"]
    images = read(out / "clip_restored.mkv")
    assert (images[:, *FIXED] == UNSEEN_COLOUR).all()
    assert np.array_equal(images[:, :, :38], pictures[:, :, :38])
    page = (out / "clip_report.html").read_text()
    assert "weights: <bdi>" in page.split(". Detect</h3>")[1].split("</div>")[0]
    assert list(verify(out / "clip_restored.json", again=True))[-1][1]
    with pytest.raises(WeightsError, match=r"^holds finder, expected generator;"):
        Restorer.from_pretrained(weights)


@pytest.mark.filterwarnings("ignore:brightness was changed")
def test_in_more_light_the_rest_is_lit_and_nothing_more_and_the_mark_is_not(tmp_path: Path) -> None:
    video = write(tmp_path / "clip.mkv", dim())
    hidden = np.zeros(dim().shape[:3], np.float32)
    hidden[:, 20:40, 20:40] = 1
    given, output = white(tmp_path / "mask.mkv", hidden), tmp_path / "out.mkv"
    report = restore_file(Restorer(), video, output, mask=given, light=8.0, lossless=True)
    images = read(output)
    assert report["stages"] == ["light", "propagate", "mark"]
    assert np.array_equal(images[hidden == 0], lit_alone(dim(), 8.0)[hidden == 0])
    assert (images[hidden > 0] == UNSEEN_COLOUR).all()


def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    frames = 70
    hidden = box(frames, 48, 64, (10, -14), step=(0, 1)) + box(frames, 48, 64, (30, 40))
    moving = pan(frames, (0, 1), 48, 64)  # before a still camera the background would stand in for the memory
    video = write(tmp_path / "clip.mkv", covered(noisy(moving, 4), hidden))
    given = white(tmp_path / "mask.mkv", hidden)

    def restore(output: Path, **settings: Any) -> dict[str, Any]:
        return restore_file(Restorer(), video, output, segment=24, mask=given, lossless=True, **settings)

    assert_goes_on(restore, tmp_path, ".mkv", stop=60, done=48)


def test_fields_are_copied_as_fields(tmp_path: Path) -> None:
    tape, output = make_interlaced(tmp_path / "tape.mkv", "ffv1", True), tmp_path / "out.mkv"
    source = read(tape)
    hidden = np.zeros(source.shape[1:3], np.uint8)
    hidden[4:-4, 8:-8] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), hidden)
    report = restore_file(Restorer(), tape, output, mask=tmp_path / "mask.png", lossless=True)
    images = read(output)
    assert report["interlaced"] and np.array_equal(images[:, hidden == 0], source[:, hidden == 0])
    unseen = (images == UNSEEN_COLOUR).all(-1)
    assert unseen.mean() == pytest.approx(report["provenance"]["unseen"], abs=1e-5) and unseen.any()
    assert report["provenance"]["copied"] > 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"strength": 0.5}, "strength is 0.5, and --stages copy generates nothing; give one of the two"),
        ({"prompt": "a cat"}, "a prompt or a motion adapter is for the refiner; give --stages hybrid too"),
    ],
)
def test_what_has_no_meaning_without_generation_is_refused(
    run: Command,
    out: Path,
    given: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    flags: dict[str, Any],
    message: str,
) -> None:
    assert run(**given, **flags) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not left_in(out)


def test_what_was_not_loaded_is_not_asked_for(tmp_path: Path) -> None:
    video, output = write(tmp_path / "clip.mkv", clip()), tmp_path / "out/clip.mkv"
    with pytest.raises(ValueError, match=r"^strength and a refiner change what is generated, and the restorer has no"):
        restore_file(Restorer(), video, output, mask_mode="none", strength=0.5)
    with pytest.raises(ValueError, match=r"^mask_mode is 'found', and the restorer has no finder; load it, or give a"):
        restore_file(Restorer(), video, output)
    with pytest.raises(ValueError, match=r"^the restorer has no finder to detect what is hidden; give masks, or load"):
        Restorer().detect([])
    assert not output.parent.exists()
