import copy
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from restore.frame import Frame
from restore.models.autoencoder import build_autoencoder
from restore.models.denoiser import build_denoiser
from restore.models.noise_schedule import NOISE
from restore.propagation.confidence import agreement
from restore.propagation.provenance import COPIED, FILLED, REGENERATED, SEEN
from restore.refinement.hybrid import CONTEXT, OVERLAP, STRETCH_FRAMES, Hybrid, Refinement
from restore.refinement.refiner import RefinerPipeline
from restore.refinement.regions import heavy_regions
from restore.restored import Restored
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import pan

FAST = Refinement(heavy_side=0.125, quality_steps=2, start=1.0)  # heavy from 12 px on


def refined(
    before: Iterable[Restored], refiner: RefinerPipeline, settings: Refinement = FAST, **options: Any
) -> list[Restored]:
    return list(Hybrid(refiner, settings).refine_frames(before, **options))


def frames(count: int, *, hole: int = 20, seed: int = 0, scene: int = 0) -> list[Restored]:
    """Restored frames with a hole of that side in the middle, which no frame saw, and some copied pixels."""
    restored = []
    for image in pan(count, (1, 1), height=96, width=128, seed=seed):
        provenance = np.full(image.shape[:2], SEEN, np.uint8)
        provenance[40 : 40 + hole, 50 : 50 + hole] = FILLED
        provenance[5:10, 5:40] = COPIED
        certain = np.where(provenance == SEEN, np.uint8(255), np.uint8(240))
        frame = Frame(image=image, mask=(provenance > SEEN).astype(np.float32), scene=scene)
        restored.append(Restored(frame, image, provenance, certain))
    return restored


@pytest.mark.parametrize("count", [1, 5, STRETCH_FRAMES[0] + 3])
def test_only_what_no_frame_saw_changes(refiner: RefinerPipeline, count: int) -> None:
    before = frames(count)
    regions: list[dict[str, object]] = []
    after = refined(before, refiner, regions=regions)
    assert len(after) == count and regions
    for old, new in zip(before, after, strict=True):
        hole = old.provenance == FILLED
        inner = cv2.erode(hole.astype(np.uint8), np.ones((3, 3))) > 0  # the outer pixel is mostly the generator's
        assert np.array_equal(new.image[~hole], old.image[~hole])
        assert (new.image[hole] != old.image[hole]).mean() > 0.5
        assert (new.provenance[inner] == REGENERATED).all() and new.provenance.dtype == np.uint8
        assert np.array_equal(new.provenance[~inner], old.provenance[~inner])
        assert new.frame is old.frame and new.confidence is old.confidence


@pytest.mark.parametrize(("height", "shares"), [(120, [1 / 3, 2 / 3, 1, 1, 1]), (240, [0.2, 0.4, 0.6, 0.8, 1])])
def test_regenerated_content_fades_in_once_and_is_marked_from_one_half_on(
    refiner: RefinerPipeline, height: int, shares: list[float]
) -> None:
    """A refiner that makes everything level 200, of a static scene at level 100."""
    grey = copy.deepcopy(refiner.vae)
    last = grey.decoder.layers[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, 200 / 255)
    constant = RefinerPipeline(vae=grey, unet=refiner.unet, scheduler=refiner.scheduler)
    image = np.full((height, height, 3), 100, np.uint8)
    provenance = np.zeros((height, height), np.uint8)
    side = slice(height // 4, 3 * height // 4)
    provenance[side, side] = FILLED
    mask = (provenance == FILLED).astype(np.float32)
    before = [Restored(Frame(image=image, mask=mask, scene=0), image, provenance, provenance) for _ in range(3)]
    for frame in refined(before, constant):
        row, codes = frame.image[height // 2, side][:, 1], frame.provenance[height // 2, side]
        wanted = [round(100 + 100 * share) for share in shares]
        assert row[:5].tolist() == wanted and row[:-6:-1].tolist() == wanted
        assert codes[:5].tolist() == [REGENERATED if share >= 0.5 else FILLED for share in shares]
        assert np.array_equal(frame.image[mask == 0], image[mask == 0])


def test_without_a_heavy_region_the_refiner_is_never_called(refiner: RefinerPipeline) -> None:
    calls: list[tuple[int, int, int]] = []
    for hole, heavy_side in ((0, 0.125), (8, 0.125), (20, 0.25)):
        before = frames(40, hole=hole)
        settings = Refinement(heavy_side=heavy_side)
        after = refined(before, refiner, settings, progress=lambda *call: calls.append(call))
        assert all(new is old for old, new in zip(before, after, strict=True))
    assert not calls


def test_only_the_frames_that_have_a_hole_are_refined(refiner: RefinerPipeline) -> None:
    before = frames(60, hole=0)[:30] + frames(60)[30:36] + frames(60, hole=0)[36:]
    regions: list[dict[str, object]] = []
    after = refined(before, refiner, regions=regions)
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
    for _ in Hybrid(refiner, FAST).refine_frames(stream(), regions=regions):
        ahead -= 1
        assert ahead <= STRETCH_FRAMES[1] + 1
    spans = [region["frames"] for region in regions]
    assert spans[0] == [0, 31] and spans[-1][1] == 69
    for (_, last), (first, _) in itertools.pairwise(spans):
        assert last - first + 1 >= OVERLAP


def test_no_stretch_crosses_a_cut_which_the_frames_scene_decides(refiner: RefinerPipeline) -> None:
    def spans(before: list[Restored]) -> list[object]:
        regions: list[dict[str, object]] = []
        refined(before, refiner, regions=regions)
        return [region["frames"] for region in regions]

    assert spans(frames(10) + frames(6, seed=5, scene=1)) == [[0, 9], [10, 15]]
    assert spans(frames(10) + frames(6, seed=5)) == [[0, 15]]
    assert spans(frames(10) + frames(6, scene=1)) == [[0, 9], [10, 15]]


def test_several_holes_of_one_size_are_refined_in_one_batch(refiner: RefinerPipeline) -> None:
    before = frames(3)
    for frame in before:
        frame.provenance[:] = SEEN
        frame.provenance[4:20, 4:20] = FILLED
        frame.provenance[70:86, 100:116] = FILLED
    calls: list[tuple[int, int, int]] = []
    regions: list[dict[str, object]] = []
    after = refined(before, refiner, regions=regions, progress=lambda *call: calls.append(call))
    assert len(regions) == 2 and calls == [(1, 0, 2), (1, 1, 2), (1, 2, 2)]
    assert all((frame.provenance == REGENERATED).sum() == 2 * 14 * 14 for frame in after)


def test_progress_is_that_of_a_stretch_whatever_the_sizes_of_its_holes(refiner: RefinerPipeline) -> None:
    before = frames(2, hole=0) + frames(4, seed=5, scene=1)
    for frame in before[2:]:
        frame.provenance[70:96, 80:128] = FILLED
    calls: list[tuple[int, int, int]] = []
    regions: list[dict[str, int]] = []
    refined(before, refiner, regions=regions, progress=lambda *now: calls.append(now))
    assert len({(region["height"], region["width"]) for region in regions}) == 2
    # Nothing is refined in the first scene. The second size goes on where the first ended.
    assert calls == [(2, call, 4) for call in (0, 1, 2, 2, 3, 4)]


def test_regenerated_content_flickers_less_than_what_the_refiner_draws(refiner: RefinerPipeline) -> None:
    before = frames(8)
    hole = np.stack([frame.provenance == FILLED for frame in before])
    pictures = np.stack([frame.image for frame in before])
    [region] = heavy_regions(hole, heavy_side=FAST.heavy_side, context=CONTEXT, multiple=refiner.multiple)
    drawn = pictures.copy()
    drawn[:, *region.crop] = to_uint8(
        refiner.refine(
            to_float(pictures[:, *region.crop])[None],
            torch.from_numpy(region.hidden)[None, :, None].float(),
            steps=FAST.quality_steps,
            start=FAST.start,
        )[0]
    )
    filtered = np.stack([frame.image for frame in refined(before, refiner)])

    def flicker(clip: np.ndarray) -> float:
        added = clip.astype(float)[:, 46:54, 56:64] - pictures[:, 46:54, 56:64]  # deeper in the hole than it fades
        # The camera goes one pixel down and one to the right a frame.
        return float(np.square(added[1:, :-1, :-1] - added[:-1, 1:, 1:]).mean())

    assert flicker(filtered) < 0.5 * flicker(drawn)


def test_the_seed_decides(refiner: RefinerPipeline) -> None:
    before = frames(4)
    one, same, other = (
        np.stack(
            [
                frame.image
                for frame in refined(before, refiner, Refinement(heavy_side=0.125, quality_steps=2, seed=seed))
            ]
        )
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_what_one_stretch_regenerated_is_known_to_the_next(refiner: RefinerPipeline) -> None:
    """In the frames that both hold: no pixel of them is hidden, and their holes are as they came out."""
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Noting:
        multiple = refiner.multiple

        def refine(self, frames: torch.Tensor, mask: torch.Tensor, **options: Any) -> torch.Tensor:
            calls.append((frames, mask))
            return refiner.refine(frames, mask, **options)

    before = frames(STRETCH_FRAMES[1] + 10)
    after = list(Hybrid(Noting(), FAST).refine_frames(before))  # type: ignore[arg-type]
    [(_, first), (known, second)] = calls
    assert first.flatten(2).any(2).all()
    shared = (second.flatten(2).sum(2) == 0)[0]
    count = int(shared.sum())
    assert count >= OVERLAP and shared[:count].all()  # the first ones, and no others
    [region] = heavy_regions(
        np.stack([frame.provenance == FILLED for frame in before]),
        heavy_side=FAST.heavy_side,
        context=CONTEXT,
        multiple=refiner.multiple,
    )
    start = len(before) - second.shape[1]
    for number in range(count):
        assert np.array_equal(to_uint8(known[0, number]), after[start + number].image[region.crop])


def test_a_hole_that_stays_is_regenerated_alike_for_long() -> None:
    """Of a scene that stands, by a denoiser that looks at one frame at a time."""
    torch.manual_seed(0)
    denoiser = build_denoiser(latent_channels=4, widths=(16, 16), frames=4).eval()
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8).eval()
    alone = RefinerPipeline(vae=vae, unet=denoiser, scheduler=DDIMScheduler(**NOISE))
    one = frames(1)[0]
    after = refined([one] * 90, alone)
    inner = (slice(46, 54), slice(56, 64))
    assert np.abs(after[30].image[inner].astype(int) - after[89].image[inner]).mean() < 2
    assert np.abs(after[30].image[inner].astype(int) - one.image[inner]).mean() > 2


def test_further_seeds_tell_how_certain_the_first_ones_result_is(refiner: RefinerPipeline) -> None:
    before = frames(4)
    calls: list[tuple[int, int, int]] = []

    def drawn(seed: int, seeds: int) -> list[Restored]:
        settings = Refinement(heavy_side=0.125, quality_steps=2, start=1.0, seed=seed, seeds=seeds)
        return refined(before, refiner, settings, progress=lambda *call: calls.append(call))

    singles = [drawn(seed, 1) for seed in (3, 4, 5)]
    calls.clear()
    for number, one in enumerate(drawn(3, 3)):
        first = singles[0][number]
        assert np.array_equal(one.image, first.image) and np.array_equal(one.provenance, first.provenance)
        assert first.uncertainty is None and one.uncertainty is not None
        pictures = np.stack([single[number].image for single in singles]).astype(float)
        apart = pictures.std(0).mean(-1)
        assert np.abs(one.uncertainty - apart).max() < 1.5 and apart.max() > 2  # but for rounding
        assert one.uncertainty.dtype == np.uint8 and (one.uncertainty[one.provenance == SEEN] == 0).all()
        differ = one.uncertainty > 0
        assert (one.confidence[differ] <= agreement(one.uncertainty[differ] - 0.5)).all()
        assert np.array_equal(one.confidence[~differ], before[number].confidence[~differ])
    assert calls == [(1, call, 6) for call in (0, 1, 2, 2, 3, 4, 4, 5, 6)]
