"""Whatever the length of the stream and wherever its cuts: nothing is lost, and shares sum to 1."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from restore.refinement.stretches import Stretch, crossfade, stretches

SIZES = [(1, 0), (2, 1), (3, 1), (4, 0), (4, 2), (8, 3), (16, 4)]
# A film is the lengths of its scenes.
FILMS = [(), (1,), (2,), (3,), (4,), (5,), (7,), (8,), (9,), (16,), (17,), (40,), (1, 1, 1), (9, 2, 30), (16, 17, 1, 5)]


def film(scenes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Items (scene, index in the whole stream)."""
    scene_of = [scene for scene, length in enumerate(scenes) for _ in range(length)]
    return [(scene, index) for index, scene in enumerate(scene_of)]


def another_scene(previous: tuple[int, int], item: tuple[int, int]) -> bool:
    assert item[1] == previous[1] + 1  # it is asked about neighbours, in order
    return item[0] != previous[0]


def cut_up(scenes: tuple[int, ...], length: int, overlap: int) -> list[Stretch[tuple[int, int]]]:
    return list(stretches(film(scenes), length=length, overlap=overlap, cut=another_scene))


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 5, 6, 3)).astype(np.float32)


@pytest.mark.parametrize(("length", "overlap"), SIZES)
@pytest.mark.parametrize("scenes", FILMS)
def test_stretches_hold_consecutive_items_of_one_scene(scenes: tuple[int, ...], length: int, overlap: int) -> None:
    result = cut_up(scenes, length, overlap)
    for stretch in result:
        (scene, first), count = stretch.items[0], len(stretch.items)
        assert stretch.items == [(scene, first + step) for step in range(count)]
        assert (stretch.first, stretch.last) == (first, stretch.items[-1][1])
        assert count == min(length, scenes[scene])  # the network always sees as many as there are
        assert stretch.weights.shape == (count,) and stretch.weights.dtype == np.float32
    for before, after in itertools.pairwise(result):
        if before.items[0][0] == after.items[0][0]:
            shared = len(set(before.items) & set(after.items))
            last = after.items[-1][1] + 1 == sum(scenes[: after.items[0][0] + 1])
            assert overlap <= shared < length and (last or shared == overlap)


@pytest.mark.parametrize(("length", "overlap"), SIZES)
@pytest.mark.parametrize("scenes", FILMS)
def test_the_shares_of_each_item_sum_to_exactly_1(scenes: tuple[int, ...], length: int, overlap: int) -> None:
    total = np.zeros(sum(scenes), np.float32)
    shared = np.zeros(sum(scenes), int)
    for stretch in cut_up(scenes, length, overlap):
        assert stretch.weights.min() >= 0
        for (_, index), weight in zip(stretch.items, stretch.weights, strict=True):
            total[index] += weight
            shared[index] += weight > 0
    assert (total == 1).all()
    assert ((shared == 1) | (shared == 2)).all()


def test_one_stretch_fades_linearly_into_the_next() -> None:
    first, second, last = cut_up((14,), length=8, overlap=3)
    assert first.weights.tolist() == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    assert second.weights.tolist() == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert last.items[0] == (0, 6) and last.weights.tolist() == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("scenes", [(60,), (9, 40, 11)])
@pytest.mark.parametrize(("length", "overlap"), SIZES)
def test_no_more_is_taken_from_the_stream_than_a_stretch_needs(
    scenes: tuple[int, ...], length: int, overlap: int
) -> None:
    taken = 0

    def count() -> Iterator[tuple[int, int]]:
        nonlocal taken
        for item in film(scenes):
            taken += 1
            yield item

    for stretch in stretches(count(), length=length, overlap=overlap, cut=another_scene):
        assert len(stretch.items) <= length
        assert taken <= stretch.items[-1][1] + 2  # one is read ahead


@pytest.mark.parametrize(("length", "overlap"), [(0, 0), (4, -1), (4, 3), (1, 1)])
def test_impossible_stretches(length: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="need length >= 1 and 0 <= overlap <= length / 2, got"):
        next(stretches([1], length=length, overlap=overlap, cut=lambda a, b: False))


@pytest.mark.parametrize(("length", "overlap"), SIZES)
@pytest.mark.parametrize("scenes", FILMS)
def test_what_was_not_changed_comes_out_bit_for_bit(scenes: tuple[int, ...], length: int, overlap: int) -> None:
    clip = pictures(sum(scenes))
    processed = (
        (stretch.weights, [clip[index] for _, index in stretch.items]) for stretch in cut_up(scenes, length, overlap)
    )
    blended = list(crossfade(processed))
    assert len(blended) == len(clip)
    assert all(np.array_equal(a, b) and a.dtype == np.float32 for a, b in zip(blended, clip, strict=True))


@pytest.mark.parametrize(("length", "overlap"), SIZES)
@pytest.mark.parametrize("scenes", FILMS)
def test_the_blend_is_the_weighted_sum(scenes: tuple[int, ...], length: int, overlap: int) -> None:
    wanted = np.zeros((sum(scenes), 5, 6, 3))
    processed = []
    for number, stretch in enumerate(cut_up(scenes, length, overlap)):
        results = pictures(len(stretch.items), seed=number)
        processed.append((stretch.weights, list(results)))
        for (_, index), weight, result in zip(stretch.items, stretch.weights, results, strict=True):
            wanted[index] += float(weight) * result
    for blended, expected in zip(crossfade(processed), wanted, strict=True):
        assert blended == pytest.approx(expected, abs=1e-6)


def test_frames_come_out_as_soon_as_they_are_finished() -> None:
    seen = 0

    def processed() -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        nonlocal seen
        for stretch in cut_up((9, 40), length=8, overlap=3):
            seen = stretch.items[-1][1]
            yield stretch.weights, [np.full(1, index, np.float32) for _, index in stretch.items]

    for blended in crossfade(processed()):
        assert seen - blended.item() < 8 + 3


def test_8_bit_results_do_not_wrap_around() -> None:
    shares = np.array([0.5], np.float32)
    [blended] = crossfade([(shares, [np.uint8([200])]), (shares, [np.uint8([101])])])
    assert blended.tolist() == [150.5]


def test_as_many_results_as_weights() -> None:
    with pytest.raises(ValueError, match="zip"):
        list(crossfade([(np.ones(2, np.float32), [np.zeros(1)])]))
