from collections.abc import Iterable

import numpy as np
import pytest
import torch

from restore.detection.detect import Found, _segmented, find, steady
from restore.kinds import BOXES, KINDS
from restore.models.finder import OcclusionFinder
from restore.models.segmenter import Segmenter
from tests.propagation.scenes import pan
from tests.test_pipeline import white_finder

DIRT = KINDS.index("dirt")


def tiny(*, seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    model = Segmenter(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    model.unet.tail.reset_parameters()
    return model


def unseeing(hidden: float = -20.0) -> OcclusionFinder:
    """A finder that finds nothing, or says `hidden` (a logit) of every pixel."""
    finder = OcclusionFinder(unshuffle=1, widths=(8,), blocks=(1,), decoder_blocks=()).eval()
    assert finder.unet.tail.bias is not None
    torch.nn.init.constant_(finder.unet.tail.bias, hidden)
    return finder


def found(model: Segmenter, clip: Iterable[np.ndarray]) -> list[Found]:
    return list(find(unseeing(), clip, place=lambda x: x, segmenter=model))


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_one_out_for_each_in_in_order(count: int) -> None:
    clip = pan(count, (1, 2), height=38, width=50, seed=0)
    results = found(tiny(), clip)
    assert len(results) == count
    for image, result in zip(clip, results, strict=True):
        assert np.array_equal(result.image, image)
        assert result.probability.shape == (38, 50) and result.probability.dtype == np.float32
        assert result.probability.min() >= 0 and result.probability.max() <= 1
        assert result.kinds is not None and result.kinds.shape == (38, 50) and result.kinds.max() < len(KINDS)


@pytest.mark.parametrize("count", [1, 3, 6])  # frames of the first scene: the cut lies at, within, beside a batch
def test_another_scene_says_nothing_of_this_one(count: int) -> None:
    first, other, second = (pan(5, (1, 2), height=38, width=50, seed=seed) for seed in range(3))
    a, b = (_not_steadied([*scene[:1].repeat(count, 0), *second]) for scene in (first, other))
    assert all(np.array_equal(x.probability, y.probability) for x, y in zip(a[count:], b[count:], strict=True))
    assert not np.array_equal(a[0].probability, b[0].probability)


def test_large_pictures_are_looked_at_in_the_size_that_it_knows() -> None:
    """Twice the picture, pixel by pixel doubled, holds the same things at twice the size."""
    clip = pan(3, (0, 0), height=242, width=244, seed=1)
    large = clip.repeat(2, 1).repeat(2, 2)[:, :-1]  # odd: the last row is half a cell
    for small, big in zip(found(tiny(), clip), found(tiny(), large), strict=True):
        assert big.probability.shape == (483, 488)
        centres = np.s_[1:-1]
        means = big.probability[:482].reshape(241, 2, 244, 2).mean((1, 3))
        assert np.abs(means[centres, centres] - small.probability[:241][centres, centres]).max() < 0.1
        assert small.kinds is not None and big.kinds is not None
        assert np.array_equal(big.kinds[::2, ::2], small.kinds)


@torch.inference_mode()
def _not_steadied(clip: Iterable[np.ndarray]) -> list[Found]:
    return list(_segmented(tiny(), clip, lambda x: x))


def frames(probabilities: list[float], kind: int) -> list[Found]:
    blank = np.zeros((2, 2, 3), np.uint8)
    return [Found(blank, np.full((2, 2), p, np.float32), np.full((2, 2), kind, np.uint8)) for p in probabilities]


@pytest.mark.parametrize("size", [(38, 50), (483, 484)])
def test_both_are_asked(size: tuple[int, int]) -> None:
    clip = pan(3, (1, 2), height=size[0], width=size[1], seed=0)
    alone, both = (find(unseeing(hidden), clip, place=lambda x: x, segmenter=tiny()) for hidden in (-20.0, 20.0))
    for one, other in zip(alone, both, strict=True):
        assert one.probability.shape == other.probability.shape == size
        assert one.probability.max() < 0.9 and other.probability.min() > 0.99


def test_what_the_finder_saw_in_a_single_frame_is_kept() -> None:
    segmenter = tiny()
    assert segmenter.unet.tail.bias is not None
    segmenter.unet.tail.bias.data[28:] += 50  # all is text, which lasts
    clip = np.zeros((5, 16, 16, 3), np.uint8)
    clip[2] = 255
    seen = [frame.probability.min() for frame in find(white_finder(), clip, place=lambda x: x, segmenter=segmenter)]
    assert seen[2] > 0.9 and max(seen[1], seen[3]) < 0.5


def test_what_lasts_does_not_flicker() -> None:
    got = [frame.probability[0, 0] for frame in steady(frames([0.9, 0.9, 0.1, 0.9, 0.8], DIRT))]
    np.testing.assert_allclose(got, [0.9, 0.9, 0.9, 0.8, 0.8])


def test_a_box_of_a_single_frame_is_kept() -> None:
    got = [frame.probability[0, 0] for frame in steady(frames([0.1, 0.9, 0.1], BOXES))]
    np.testing.assert_allclose(got, [0.1, 0.9, 0.1])


@pytest.mark.parametrize(("side", "rim"), [(40, 1), (240, 1), (480, 2)])
def test_restored_is_a_soft_rim_more_than_is_found_but_of_boxes(side: int, rim: int) -> None:
    probability, kinds = np.zeros((side, side), np.float32), np.full((side, side), DIRT, np.uint8)
    probability[10:14, 10:14], probability[10:14, 30:34] = 0.9, 0.8
    kinds[10:14, 30:34] = BOXES
    image = np.zeros((side, side, 3), np.uint8)
    mask = Found(image, probability, kinds).mask
    rows, columns = np.nonzero(mask[:, :24])
    assert mask.dtype == np.float32
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10 - rim, 13 + rim, 10 - rim, 13 + rim)
    assert np.array_equal(mask[:, 24:], probability[:, 24:])
    assert Found(image, probability, None).mask is probability
