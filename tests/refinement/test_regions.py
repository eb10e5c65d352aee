import cv2
import numpy as np
import pytest

from restore.refinement.regions import Region, by_size, heavy_regions

H, W = 240, 320


def holes(*boxes: tuple[int, int, int, int], frames: int = 2, size: tuple[int, int] = (H, W)) -> np.ndarray:
    """bool `T H W`, True within each (top, left, height, width)."""
    unseen = np.zeros((frames, *size), bool)
    for top, left, height, width in boxes:
        unseen[:, top : top + height, left : left + width] = True
    return unseen


def regions(unseen: np.ndarray, *, heavy_side: float = 0.1, context: float = 0.25, multiple: int = 8) -> list[Region]:
    """Heavy from 24 px of 240 on."""
    return heavy_regions(unseen, heavy_side=heavy_side, context=context, multiple=multiple)


def in_frame(found: list[Region], unseen: np.ndarray) -> np.ndarray:
    """How many regions regenerate each pixel, int `T H W`."""
    count = np.zeros(unseen.shape, int)
    for region in found:
        count[:, *region.crop] += region.hidden
    return count


def test_nothing_unseen_nothing_to_regenerate() -> None:
    assert regions(holes()) == []


def test_a_hole_is_regenerated_whole_with_context_around_it() -> None:
    unseen = holes((100, 140, 64, 80))
    [region] = regions(unseen)
    assert np.array_equal(in_frame([region], unseen), unseen)
    assert region.top <= 100 - 16 and region.top + region.height >= 164 + 16
    assert region.left <= 140 - 20 and region.left + region.width >= 220 + 20


def test_more_context_makes_a_larger_crop() -> None:
    small, large = (regions(holes((100, 140, 64, 64)), context=context)[0] for context in (0, 0.5))
    assert small.height == small.width == 96  # 16 px on each side are the least
    assert large.height == large.width == 128


def test_the_work_follows_the_hidden_area() -> None:
    [small], [heavy] = regions(holes((80, 100, 64, 64))), regions(holes((60, 90, 108, 144)))
    assert small.height * small.width <= heavy.height * heavy.width / 4


@pytest.mark.parametrize("side", [23, 24])
def test_heavy_is_where_a_square_fits(side: int) -> None:
    assert len(regions(holes((50, 60, side, side)))) == (side == 24)
    assert len(regions(holes((0, W - side, side, side)))) == (side == 24)  # in a corner of the frame


def test_lengths_grow_with_the_picture() -> None:
    size = (4 * H, 4 * W)
    assert regions(holes((50, 60, 95, 95), size=size)) == []
    [small], [large] = regions(holes((92, 132, 64, 64))), regions(holes((368, 528, 256, 256), size=size))
    assert (large.height, large.width) == (4 * small.height, 4 * small.width)
    [small], [large] = (
        regions(holes((96, 96, 32, 32)), context=0),
        regions(holes((384, 384, 128, 128), size=size), context=0),
    )
    assert small.height == 64 and large.height == 256  # the least context: 16 and 64 px on each side


@pytest.mark.parametrize("sliver", [(100, 0, 20, W), (0, 0, 20, W), (0, W - 20, H, 20), (H - 3, 10, 3, 300)])
def test_a_sliver_is_left_to_the_generator_however_long(sliver: tuple[int, int, int, int]) -> None:
    assert regions(holes(sliver)) == []


def test_a_square_fits_in_one_frame_not_in_the_sum_of_them() -> None:
    apart = np.concatenate([holes((60, 50 + 12 * t, 40, 12), frames=1) for t in range(8)])
    assert apart.any(0).sum() == 40 * 96 and regions(apart) == []
    once = holes(frames=8)
    once[5, 60:100, 50:90] = True
    assert len(regions(once)) == 1


def test_a_hole_that_moves_has_one_crop_over_the_stretch() -> None:
    unseen = np.concatenate([holes((60, 50 + 10 * t, 40, 40), frames=1) for t in range(8)])
    [region] = regions(unseen)
    assert region.hidden.shape == (8, region.height, region.width)
    assert np.array_equal(in_frame([region], unseen), unseen)


def test_what_is_not_heavy_is_not_regenerated_even_inside_a_crop() -> None:
    unseen = holes((100, 100, 60, 60), (110, 164, 5, 5))
    [region] = regions(unseen)
    assert region.left + region.width > 169
    assert np.array_equal(in_frame([region], unseen), holes((100, 100, 60, 60)))


@pytest.mark.parametrize("multiple", [1, 8, 12, 64])
@pytest.mark.parametrize("hole", [(0, 0, 40, 50), (200, 290, 40, 30), (30, 100, 180, 30), (0, 0, 240, 320)])
def test_crops_lie_in_the_frame_and_have_sides_of_the_multiple(hole: tuple[int, int, int, int], multiple: int) -> None:
    unseen = holes(hole)
    [region] = regions(unseen, multiple=multiple)
    assert region.hidden.shape == (2, region.height, region.width)  # none of it lies beyond the frame
    assert np.array_equal(in_frame([region], unseen), unseen)
    assert min(region.top, region.left) >= 0
    assert region.height % multiple == 0 or region.height == H
    assert region.width % multiple == 0 or region.width == W


def test_sides_are_multiples_of_32_where_the_frame_allows_it() -> None:
    holes_of_many_sizes = [holes((20, 20, side, side + 9)) for side in range(30, 140, 7)]
    found = [region for unseen in holes_of_many_sizes for region in regions(unseen)]
    assert {region.height % 32 for region in found} == {region.width % 32 for region in found} == {0}
    [tall] = regions(holes((0, 0, 186, 40)))  # needs 280 of 240
    assert tall.height == H
    [within] = regions(holes((0, 0, 150, 40)))  # needs 226: 256 are too many, 232 are not
    assert within.height == 232


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (30, 9), (24, 24), (25, 100)])
def test_in_a_frame_too_small_for_context_the_crop_is_the_frame(size: tuple[int, int]) -> None:
    found = regions(holes((0, 0, *size), size=size), heavy_side=1, multiple=32)
    height, width = size
    assert [(x.top, x.left, x.height, x.width) for x in found] == ([(0, 0, *size)] if width >= height else [])


def test_holes_far_apart_are_regenerated_apart() -> None:
    unseen = holes((10, 10, 40, 40), (180, 250, 40, 40))
    found = regions(unseen)
    assert len(found) == 2 and np.array_equal(in_frame(found, unseen), unseen)


def test_crops_that_overlap_heavily_become_one() -> None:
    unseen = holes((100, 100, 40, 40), (104, 143, 40, 40), (145, 120, 40, 40))
    found = regions(unseen)
    assert len(found) == 1 and np.array_equal(in_frame(found, unseen), unseen)


def test_joining_never_adds_work_nor_regenerates_a_pixel_twice() -> None:
    def work(found: list[Region]) -> int:
        return sum(region.height * region.width for region in found)

    rng = np.random.default_rng(0)
    saved = 0
    for _ in range(20):
        unseen = holes(*((*rng.integers(0, 180, 2), *rng.integers(24, 60, 2)) for _ in range(6)), frames=1)
        count, labels = cv2.connectedComponents(unseen[0].astype(np.uint8), connectivity=8)
        alone = sum(work(regions((labels == label)[None])) for label in range(1, count))
        found = regions(unseen)
        assert np.array_equal(in_frame(found, unseen), unseen)
        assert work(found) <= alone
        saved += alone - work(found)
    assert saved > 0


@pytest.mark.parametrize("unseen", [np.zeros((2, 9, 9), np.uint8), np.zeros((9, 9), bool)])
def test_what_is_not_a_mask_of_a_stretch(unseen: np.ndarray) -> None:
    with pytest.raises(ValueError, match="unseen must be bool T H W, got"):
        regions(unseen)


@pytest.mark.parametrize(
    ("heavy_side", "context", "multiple"), [(0, 0.25, 8), (24, 0.25, 8), (0.1, -0.1, 8), (0.1, 0.25, 0)]
)
def test_impossible_numbers(heavy_side: float, context: float, multiple: int) -> None:
    with pytest.raises(ValueError, match="need 0 < heavy_side <= 1, context >= 0, multiple >= 1, got"):
        regions(holes(), heavy_side=heavy_side, context=context, multiple=multiple)


def test_regions_of_one_size_are_one_batch() -> None:
    found = regions(holes((10, 10, 40, 40), (10, 200, 80, 80), (180, 100, 40, 40)))
    sizes = [(region.height, region.width) for region in found]
    assert len(set(sizes)) == 2
    batches = by_size(found)
    assert [len(batch) for batch in batches] == [2, 1]
    assert all(len({(region.height, region.width) for region in batch}) == 1 for batch in batches)
