"""The report's list of what hides the scene."""

from pathlib import Path

import numpy as np
import pytest

from restore.inference.config import InferenceConfig
from restore.inference.files import restore_file
from restore.inference.jobs import find_jobs
from restore.inference.run_jobs import _restore
from restore.pipeline import Restorer
from restore.video.clip import read_clip
from tests.detection.networks import white_segmenter
from tests.inference.test_files import FRAMES, write
from tests.networks import with_suspects
from tests.propagation.footage import at_rest


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32", engine="torch")


@pytest.fixture(scope="module")
def finds(restorer: Restorer) -> Restorer:
    return Restorer(
        restorer.generator, restorer.finder, segmenter=white_segmenter("text"), device="cpu", precision="float32"
    )


def white_text() -> np.ndarray:
    clip = at_rest(FRAMES) // 2
    clip[2:8, 10:26, 30:50] = 255
    return clip


def test_what_hides_the_scene_is_listed(tmp_path: Path, restorer: Restorer, finds: Restorer) -> None:
    video = write(tmp_path / "v.mkv", white_text())
    report = restore_file(finds, video, tmp_path / "out_v.mkv", remove=["text"], mask_mode="all")
    (text,) = report["obstructions"]
    assert (report["suspects"], report["remove"]) == ([], ["text"])
    assert text.pop("score") > 0.9
    assert text == {"kind": "text", "frames": [2, 7], "box": [30, 10, 50, 26], "largest": round(320 / 48 / 64, 6)}
    # Without a proof it is left where it is, and so is all text, unless asked otherwise.
    for name, options in {"p": {"remove": ["text"]}, "t": {"mask_mode": "all"}}.items():
        report = restore_file(finds, video, tmp_path / f"out_{name}.mkv", **options)
        (left,) = report["suspects"]
        assert left.pop("score") > 0.9 and (left, report["obstructions"], report["hidden"]) == (text, [], 0)
    for name, using, mode in (("w", finds, "none"), ("x", restorer, "found")):  # the finder knows no kinds
        report = restore_file(using, video, tmp_path / f"out_{name}.mkv", mask_mode=mode)
        assert report["obstructions"] is report["suspects"] is None


def test_what_is_left_is_said(tmp_path: Path, finds: Restorer, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for text in (white_text(), at_rest(FRAMES) // 2):
        path = write(tmp_path / "v.mkv", text)
        (job,) = find_jobs(path, tmp_path, overwrite=True)
        config = InferenceConfig(str(path), output_dir=str(tmp_path))
        assert _restore(job, finds, None, config, row=0) is not None
        lines.append(capsys.readouterr().out)
    assert lines[0].endswith("0.0% hidden (mask: found), 1 thing left in the picture, see the report\n")
    assert lines[1].endswith("0.0% hidden (mask: found)\n")


def test_it_is_restored_a_rim_beyond_where_it_is_found(tmp_path: Path, finds: Restorer) -> None:
    clip = white_text()
    hidden = np.zeros(clip.shape[:3], bool)
    hidden[2:8, 9:27, 29:51] = True
    hidden[:, [9, 9, 26, 26], [29, 50, 29, 50]] = False  # a disc of one pixel has no corners
    assert np.array_equal([frame.mask > 0.5 for frame in with_suspects(finds, clip)], hidden)
    options = {"remove": ["text"], "mask_mode": "all", "write_mask": tmp_path / "v_mask.mkv"}
    restore_file(finds, write(tmp_path / "v.mkv", clip), tmp_path / "out_v.mkv", **options)
    assert np.array_equal(read_clip(tmp_path / "v_mask.mkv", 0, FRAMES)[..., 0] > 127, hidden)
