import math
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.propagation.evidence import BASE
from restore.scoring.psnr import psnr
from restore.tensors import to_uint8
from restore.training.validate import Validation
from tests.training.tiny import write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sorted(write_videos(tmp_path_factory.mktemp("videos"), count=5).rglob("*.avi"))


@pytest.fixture
def accelerator() -> Accelerator:
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=True)


def validation(videos: list[Path], hidden: float = -9.0) -> Validation:
    """With a finder that takes everything for hidden as far as `hidden` (a logit) says."""
    finder = OcclusionFinder(widths=(8,), blocks=(1,), decoder_blocks=()).eval()
    assert finder.unet.tail.bias is not None
    torch.nn.init.constant_(finder.unet.tail.bias, hidden)
    return Validation(videos, finder=finder, crop=(32, 40), frames=4, seed=0)


def base() -> UNetGenerator:
    """Untrained, it returns its base."""
    return UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()


def test_scores_are_of_what_the_generator_makes(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    scores, _ = one.measure(base(), accelerator)
    assert one.pairs is not None and len(one.pairs.clean) == 5
    restored, clean = one.pairs.evidence[:, BASE], one.pairs.clean
    wanted = np.mean([psnr(a, b) for a, b in zip(to_uint8(restored), to_uint8(clean), strict=True)])
    assert scores["psnr"] == pytest.approx(wanted)
    error, hidden = (restored - clean).square(), one.pairs.mask.bool().expand_as(clean)
    for name, part in (("psnr_hole", hidden), ("psnr_seen", ~hidden)):
        assert scores[name] == pytest.approx(-10 * math.log10(error[part].mean().item() / 4), abs=0.01)
    assert scores["psnr_hole"] < scores["psnr_seen"] and 0 < scores["ssim"] < 1


def test_the_grid_shows_degraded_restored_and_clean(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    _, grid = one.measure(base(), accelerator)
    assert one.pairs is not None and grid.min() >= 0 and grid.max() <= 1
    assert grid.shape == (3, 4 * (32 + 2) + 2, 3 * (40 + 2) + 2)  # four rows, lines of 2 px between the pictures
    for column, pictures in enumerate((one.pairs.evidence[:, 3:6], one.pairs.evidence[:, BASE], one.pairs.clean)):
        left = 2 + 42 * column
        assert torch.allclose(grid[:, 2:34, left : left + 40], (pictures[0] / 2 + 0.5).clamp(0, 1), atol=1e-5)


def test_it_is_degraded_the_same_way_each_time(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    first, again = one.measure(base(), accelerator)[0], one.measure(base(), accelerator)[0]
    assert first == again == validation(videos).measure(base(), accelerator)[0]


def test_every_kind_of_box_is_among_them(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    one.measure(base(), accelerator)
    assert one.pairs is not None and one.pairs.mask.flatten(1).any(1).all()


def test_masks_are_found_not_given(videos: list[Path], accelerator: Accelerator) -> None:
    for logit, told in ((-9.0, 0.0), (9.0, 1.0)):
        one = validation(videos, logit)
        one.measure(base(), accelerator)
        assert one.pairs is not None and torch.allclose(one.pairs.evidence[:, 22], torch.tensor(told), atol=0.001)


def test_the_classic_sees_the_frame_alone(videos: list[Path], accelerator: Accelerator) -> None:
    scores, grid = validation(videos).measure(Pix2PixUNet(width=4, depth=5).eval(), accelerator)
    assert all(map(math.isfinite, scores.values())) and grid.shape[0] == 3


def test_at_most_eight_videos_and_as_few_as_one(videos: list[Path], accelerator: Accelerator) -> None:
    for chosen, count in ((videos * 3, 8), (videos[:1], 1)):
        one = validation(chosen)
        _, grid = one.measure(base(), accelerator)
        assert one.pairs is not None and len(one.pairs.clean) == count
        assert grid.shape[1] == min(count, 4) * 34 + 2
