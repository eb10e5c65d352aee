import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from restore.pipeline import Restored
from restore.propagation.provenance import COPIED, FILLED, REGENERATED, SEEN
from restore.refinement.hybrid import CONTEXT, LENGTHS, OVERLAP, Refinement, refine_frames
from restore.refinement.refiner import RefinerPipeline
from restore.refinement.regions import heavy_regions
from restore.tensors import to_float, to_uint8
from tests.propagation.scenes import pan

FAST = Refinement(heavy_side=12, steps=2, start=1.0)


def frames(count: int, *, hole: int = 20, seed: int = 0) -> list[Restored]:
    """Restored frames with a hole of that side in the middle, which no frame saw, and some copied pixels."""
    restored = []
    for image in pan(count, (1, 1), height=96, width=128, seed=seed):
        provenance = np.full(image.shape[:2], SEEN, np.uint8)
        provenance[40 : 40 + hole, 50 : 50 + hole] = FILLED
        provenance[5:10, 5:40] = COPIED
        certain = np.where(provenance == SEEN, np.uint8(255), np.uint8(0))
        restored.append(Restored(image, (provenance > SEEN).astype(np.float32), provenance, certain))
    return restored


@pytest.mark.parametrize("count", [1, 5, LENGTHS[0] + 3])
def test_only_what_no_frame_saw_changes(refiner: RefinerPipeline, count: int) -> None:
    before = frames(count)
    regions: list[dict[str, object]] = []
    after = list(refine_frames(before, refiner, FAST, regions=regions))
    assert len(after) == count and regions
    for old, new in zip(before, after, strict=True):
        hole = old.provenance == FILLED
        assert np.array_equal(new.image[~hole], old.image[~hole])
        assert (new.image[hole] != old.image[hole]).mean() > 0.5
        assert (new.provenance[hole] == REGENERATED).all() and new.provenance.dtype == np.uint8
        assert np.array_equal(new.provenance[~hole], old.provenance[~hole])
        assert new.mask is old.mask


def test_without_a_heavy_region_the_refiner_is_never_called(refiner: RefinerPipeline) -> None:
    calls: list[tuple[int, int, int]] = []
    for hole in (0, 8):
        before = frames(40, hole=hole)
        after = list(refine_frames(before, refiner, FAST, progress=lambda *call: calls.append(call)))
        assert all(new is old for old, new in zip(before, after, strict=True))
    assert not calls


def test_only_the_frames_that_have_a_hole_are_refined(refiner: RefinerPipeline) -> None:
    before = frames(60, hole=0)[:30] + frames(60)[30:36] + frames(60, hole=0)[36:]
    regions: list[dict[str, object]] = []
    after = list(refine_frames(before, refiner, FAST, regions=regions))
    changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if new is not old]
    assert changed == list(range(30, 36))
    assert (
        all(number in range(first, last + 1) for number in changed for first, last in [regions[0]["frames"]])
        or len(regions) == 2
    )  # in the overlap of two stretches


def test_stretches_fade_into_each_other_and_memory_is_bounded(refiner: RefinerPipeline) -> None:
    ahead = 0

    def stream() -> Iterator[Restored]:
        nonlocal ahead
        for frame in frames(70):
            ahead += 1
            yield frame

    regions: list[dict[str, list[int]]] = []
    for _ in refine_frames(stream(), refiner, FAST, regions=regions):
        ahead -= 1
        assert ahead <= LENGTHS[1] + 1
    spans = [region["frames"] for region in regions]
    assert spans[0] == [0, 31] and spans[-1][1] == 69
    for (_, last), (first, _) in itertools.pairwise(spans):
        assert last - first + 1 >= OVERLAP


def test_no_stretch_crosses_a_cut(refiner: RefinerPipeline) -> None:
    regions: list[dict[str, object]] = []
    list(refine_frames(frames(10) + frames(6, seed=5), refiner, FAST, regions=regions))
    assert [region["frames"] for region in regions] == [[0, 9], [10, 15]]


def test_several_holes_of_one_size_are_refined_together(refiner: RefinerPipeline) -> None:
    before = frames(3)
    for frame in before:
        frame.provenance[:] = SEEN
        frame.provenance[4:20, 4:20] = FILLED
        frame.provenance[70:86, 100:116] = FILLED
    calls: list[tuple[int, int, int]] = []
    regions: list[dict[str, object]] = []
    after = list(refine_frames(before, refiner, FAST, regions=regions, progress=lambda *call: calls.append(call)))
    assert len(regions) == 2 and calls == [(1, 0, 2), (1, 1, 2), (1, 2, 2)]
    assert all((frame.provenance == REGENERATED).sum() == 2 * 16 * 16 for frame in after)


def test_progress_is_that_of_a_stretch_whatever_the_sizes_of_its_holes(refiner: RefinerPipeline) -> None:
    before = frames(2, hole=0) + frames(4, seed=5)
    for frame in before[2:]:
        frame.provenance[70:96, 80:128] = FILLED
    told: list[tuple[int, int, int]] = []
    regions: list[dict[str, int]] = []
    list(refine_frames(before, refiner, FAST, regions=regions, progress=lambda *now: told.append(now)))
    assert len({(region["height"], region["width"]) for region in regions}) == 2
    # Nothing is refined in the first scene. The second size goes on where the first ended.
    assert told == [(2, call, 4) for call in (0, 1, 2, 2, 3, 4)]


def test_what_is_regenerated_flickers_less_than_what_the_refiner_draws(refiner: RefinerPipeline) -> None:
    before = frames(8)
    hole = np.stack([frame.provenance == FILLED for frame in before])
    pictures = np.stack([frame.image for frame in before])
    [region] = heavy_regions(hole, min_side=FAST.heavy_side, context=CONTEXT, multiple=refiner.multiple)
    drawn = pictures.copy()
    drawn[:, *region.crop] = to_uint8(
        refiner.refine(
            to_float(pictures[:, *region.crop])[None],
            torch.from_numpy(region.hidden)[None, :, None].float(),
            steps=FAST.steps,
            start=FAST.start,
        )[0]
    )
    steady = np.stack([frame.image for frame in refine_frames(before, refiner, FAST)])

    def flicker(clip: np.ndarray) -> float:
        added = clip.astype(float)[:, 46:54, 56:64] - pictures[:, 46:54, 56:64]  # deeper in the hole than it fades
        # The camera goes one pixel down and one to the right a frame.
        return float(np.square(added[1:, :-1, :-1] - added[:-1, 1:, 1:]).mean())

    assert flicker(steady) < 0.5 * flicker(drawn)


def test_the_seed_decides(refiner: RefinerPipeline) -> None:
    before = frames(4)
    one, same, other = (
        np.stack(
            [frame.image for frame in refine_frames(before, refiner, Refinement(heavy_side=12, steps=2, seed=seed))]
        )
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)
