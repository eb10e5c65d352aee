import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.evidence import BASE
from restore.propagation.temporal_filter import RADIUS
from restore.scoring.psnr import psnr
from restore.tensors import to_float, to_uint8
from restore.training.data import CleanWindows
from restore.training.validate_generator import Validation
from tests.networks import white_finder, with_suspects
from tests.training.tiny import accelerator as new_accelerator
from tests.training.tiny import write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sorted(write_videos(tmp_path_factory.mktemp("videos"), count=5).rglob("*.avi"))


@pytest.fixture
def accelerator() -> Accelerator:
    return new_accelerator()


def validation(videos: list[Path], hidden: float = -9.0, frames: int = 7) -> Validation:
    """With a finder that takes everything for hidden with the logit `hidden`."""
    finder = OcclusionFinder(widths=(8,), blocks=(1,), decoder_blocks=()).eval()
    assert finder.unet.tail.bias is not None
    torch.nn.init.constant_(finder.unet.tail.bias, hidden)
    return Validation(videos, CleanWindows(videos, frames=frames, crop=(32, 40), per_video=2, seed=0), finder)


def base() -> UNetGenerator:
    """Untrained, it returns its base."""
    return UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()


def of_middle(one: Validation) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Evidence, clean and mask of the middle frame of each window."""
    assert one.pairs is not None
    count = 2 * RADIUS + 1
    assert len(one.pairs.clean) == len(one.frames) == count * len(one.videos)
    return one.pairs.evidence[RADIUS::count], one.pairs.clean[RADIUS::count], one.pairs.mask[RADIUS::count]


def test_scores_are_of_what_the_restorer_makes(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)  # nothing is found, so that nothing is filtered: what comes out is the base
    scores, _ = one.measure(base(), accelerator)
    evidence, clean, mask = of_middle(one)
    assert len(clean) == 5
    restored = to_uint8(evidence[:, BASE])
    wanted = np.mean([psnr(a, b) for a, b in zip(restored, to_uint8(clean), strict=True)])
    assert scores["psnr"] == pytest.approx(wanted)
    error, hidden = (to_float(restored) - clean).square(), mask.bool().expand_as(clean)
    for name, part in (("psnr_hole", hidden), ("psnr_seen", ~hidden)):
        assert scores[name] == pytest.approx(-10 * math.log10(error[part].mean().item() / 4), abs=0.01)
    assert scores["psnr_hole"] < scores["psnr_seen"] and 0 < scores["ssim"] < 1


def test_the_grid_has_degraded_restored_and_clean(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    _, grid = one.measure(base(), accelerator)
    evidence, clean, _ = of_middle(one)
    assert grid.min() >= 0 and grid.max() <= 1
    assert grid.shape == (3, 4 * (32 + 2) + 2, 3 * (40 + 2) + 2)  # four rows, lines of 2 px between the pictures
    for column, pictures in enumerate((evidence[:, 3:6], evidence[:, BASE], clean)):
        left = 2 + 42 * column
        wanted = to_float(to_uint8(pictures[0])) / 2 + 0.5
        assert torch.allclose(grid[:, 2:34, left : left + 40], wanted, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_it_measures_the_whole_restorer(videos: list[Path], accelerator: Accelerator, frames: int) -> None:
    """Detection, propagation, generator and temporal filter: the score is that of the window restored as a video."""
    finder: Any = white_finder()
    finder.unet.head.bias.data[0] = 0  # what is brighter than grey hides the scene
    one = Validation(videos[:1], CleanWindows(videos, frames=frames, crop=(32, 40), per_video=2, seed=0), finder)
    scores, _ = one.measure(base(), accelerator)
    assert one.pairs is not None and len(one.frames) == frames
    restorer = Restorer(base(), finder, device="cpu", precision="float32")
    images = [frame.image for frame in with_suspects(restorer, np.stack([frame.image for frame in one.frames]))]
    middle = frames // 2
    assert scores["psnr"] == pytest.approx(psnr(images[middle], to_uint8(one.pairs.clean[middle])))
    unfiltered = to_uint8(one.pairs.evidence[middle, BASE])
    assert np.array_equal(images[middle], unfiltered) == (frames == 1)


def test_it_is_degraded_the_same_way_each_time(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    first, again = one.measure(base(), accelerator)[0], one.measure(base(), accelerator)[0]
    assert first == again == validation(videos).measure(base(), accelerator)[0]


def test_every_kind_of_box_is_among_them(videos: list[Path], accelerator: Accelerator) -> None:
    one = validation(videos)
    one.measure(base(), accelerator)
    assert of_middle(one)[2].flatten(1).any(1).all()


def test_masks_are_detected_not_given(videos: list[Path], accelerator: Accelerator) -> None:
    for logit, found in ((-9.0, 0.0), (9.0, 1.0)):
        one = validation(videos, logit)
        one.measure(base(), accelerator)
        assert one.pairs is not None and torch.allclose(one.pairs.evidence[:, 22], torch.tensor(found), atol=0.001)


def test_the_classic_sees_the_frame_alone(videos: list[Path], accelerator: Accelerator) -> None:
    scores, grid = validation(videos).measure(Pix2PixUNet(width=4, depth=5).eval(), accelerator)
    assert all(map(math.isfinite, scores.values())) and grid.shape[0] == 3


def test_at_most_eight_videos_and_as_few_as_one(videos: list[Path], accelerator: Accelerator) -> None:
    for chosen, count in ((videos * 3, 8), (videos[:1], 1)):
        one = validation(chosen)
        _, grid = one.measure(base(), accelerator)
        assert len(of_middle(one)[1]) == count
        assert grid.shape[1] == min(count, 4) * 34 + 2
