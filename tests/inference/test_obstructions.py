"""The report's list of what hides the scene."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from restore.degradations.obstructions.kinds import KINDS
from restore.inference.restore_file import restore_file
from restore.models.segmenter import FRAME, Segmenter
from restore.pipeline import Restorer
from tests.inference.test_restore_file import FRAMES, write
from tests.occlusion.scenes import still


@pytest.fixture(scope="module")
def restorer(tiny_weights: Path) -> Restorer:
    return Restorer.from_pretrained(tiny_weights, device="cpu", precision="float32")


def white_segmenter() -> Segmenter:
    """Its weights are set by hand: what is white is text, and hides the scene."""
    segmenter = Segmenter(widths=(8,), blocks=(1,), decoder_blocks=())
    unet: Any = segmenter.unet
    for weight in segmenter.parameters():
        torch.nn.init.zeros_(weight)
    text = 1 + KINDS.index("text")
    for index, (row, column) in enumerate(product(range(2), range(2))):  # the pixels of a cell at half the resolution
        unet.head.weight.data[index, FRAME, 2 + row, 2 + column] = 1 / 3
        unet.head.bias.data[index] = -0.9
        unet.tail.weight.data[index, index, 1, 1] = 200
        unet.tail.bias.data[index] = -10
        unet.tail.bias.data[4 * text + index] = 1
    return segmenter


def test_what_hides_the_scene_is_listed(tmp_path: Path, restorer: Restorer) -> None:
    clip = still(FRAMES) // 2
    clip[2:8, 10:26, 30:50] = 255
    video = write(tmp_path / "v.mkv", clip)
    finds = Restorer(
        restorer.generator, restorer.finder, segmenter=white_segmenter(), device="cpu", precision="float32"
    )
    (text,) = restore_file(finds, video, tmp_path / "out_v.mkv")["obstructions"]
    assert text.pop("score") > 0.9
    assert text == {"kind": "text", "frames": [2, 7], "box": [30, 10, 50, 26], "largest": round(320 / 48 / 64, 6)}
    assert restore_file(finds, video, tmp_path / "out_w.mkv", mask_mode="none")["obstructions"] is None
    assert restore_file(restorer, video, tmp_path / "out_x.mkv")["obstructions"] is None  # the finder knows no kinds
