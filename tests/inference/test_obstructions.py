"""The report's list of what hides the scene."""

from pathlib import Path

import numpy as np
import pytest

from restore.inference.files import restore_file
from restore.pipeline import Restorer
from restore.video.clip import read_clip
from tests.detection.networks import white_segmenter
from tests.inference.test_files import FRAMES, write
from tests.propagation.footage import at_rest


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32")


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
    (text,) = restore_file(finds, video, tmp_path / "out_v.mkv")["obstructions"]
    assert text.pop("score") > 0.9
    assert text == {"kind": "text", "frames": [2, 7], "box": [30, 10, 50, 26], "largest": round(320 / 48 / 64, 6)}
    assert restore_file(finds, video, tmp_path / "out_w.mkv", mask_mode="none")["obstructions"] is None
    assert restore_file(restorer, video, tmp_path / "out_x.mkv")["obstructions"] is None  # the finder knows no kinds


def test_it_is_restored_a_rim_beyond_where_it_is_found(tmp_path: Path, finds: Restorer) -> None:
    clip = white_text()
    hidden = np.zeros(clip.shape[:3], bool)
    hidden[2:8, 9:27, 29:51] = True
    hidden[:, [9, 9, 26, 26], [29, 50, 29, 50]] = False  # a disc of one pixel has no corners
    assert np.array_equal([frame.mask > 0.5 for frame in finds.restore_frames(clip)], hidden)
    restore_file(finds, write(tmp_path / "v.mkv", clip), tmp_path / "out_v.mkv", write_mask=tmp_path / "v_mask.mkv")
    assert np.array_equal(read_clip(tmp_path / "v_mask.mkv", 0, FRAMES)[..., 0] > 127, hidden)
