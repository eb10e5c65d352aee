import numpy as np
import pytest

from restore.propagation.memory import MOST, Memory
from tests.propagation.scenes import noisy, still, texture

SIZE = 40, 56
SEEN, HIDDEN = np.zeros(SIZE, bool), np.ones(SIZE, bool)
STAY, SURE = np.zeros((*SIZE, 2), np.float32), np.ones(SIZE, np.float32)


def shift(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (*SIZE, 2)).copy()


def remembered(frames: int, sigma: float = 0, seed: int = 0) -> Memory:
    """After a still scene with noise."""
    memory = Memory.empty(*SIZE)
    for image in noisy(still(frames, *SIZE) // 2 + 64, sigma, seed):
        memory = memory.carried(STAY, SURE).updated(image, SEEN)
    return memory


def test_an_empty_memory_knows_nothing() -> None:
    memory = Memory.empty(*SIZE)
    assert memory.colour.shape == (*SIZE, 3) and memory.count.shape == memory.age.shape == SIZE
    assert not memory.count.any()


def test_the_first_frame_is_taken_as_it_is() -> None:
    image = texture(*SIZE)
    memory = Memory.empty(*SIZE).updated(image, SEEN)
    assert np.array_equal(memory.colour, image)
    assert (memory.count == 1).all() and (memory.age == 0).all()


@pytest.mark.parametrize("frames", [2, 4, 8])
@pytest.mark.parametrize("sigma", [5, 10])
def test_averaging_lowers_noise_by_the_root_of_the_count(frames: int, sigma: float) -> None:
    memory = remembered(frames, sigma)
    error = memory.colour - (still(1, *SIZE)[0] // 2 + 64)
    # A little of the memory is let go of with every frame, as noise looks like change.
    assert 0.9 < error.std() / (sigma / np.sqrt(frames)) < 1.25
    assert abs(error.mean()) < 0.5
    assert frames * 0.7 < memory.count.mean() <= frames


def test_without_noise_a_still_scene_stays_exact_and_is_counted() -> None:
    for frames in (1, 3, 10, 25):
        memory = remembered(frames)
        assert np.allclose(memory.colour, still(1, *SIZE)[0] // 2 + 64, atol=1e-3)
        assert memory.count == pytest.approx(np.full(SIZE, min(frames, MOST)))


@pytest.mark.parametrize("sigma", [0, 10, 60])
def test_the_count_is_bounded(sigma: float) -> None:
    memory = remembered(30, sigma)
    assert memory.count.max() <= MOST and memory.count.min() >= 1


def test_hidden_pixels_keep_their_colour_and_age() -> None:
    memory = remembered(4)
    half = SEEN.copy()
    half[:, :28] = True
    image = np.full((*SIZE, 3), 255, np.uint8)
    after = memory
    for _ in range(3):
        after = after.carried(STAY, SURE).updated(image, half)
    assert np.array_equal(after.colour[half], memory.colour[half])
    assert np.array_equal(after.count[half], memory.count[half])
    assert (after.age[half] == 3).all()
    assert (after.age[~half] == 0).all()
    assert (after.colour[~half] > 240).mean() > 0.9


def test_nothing_is_learned_from_what_was_always_hidden() -> None:
    memory = Memory.empty(*SIZE)
    for _ in range(3):
        memory = memory.carried(STAY, SURE).updated(texture(*SIZE), HIDDEN)
    assert not memory.count.any()


def test_a_changed_pixel_is_let_go_and_the_others_kept() -> None:
    memory = remembered(8)
    image = still(1, *SIZE)[0] // 2 + 64
    changed = SEEN.copy()
    changed[10:25, 10:25] = True
    image[changed] = 255 - image[changed] // 4
    after = memory.carried(STAY, SURE).updated(image, SEEN)
    inside, outside = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    inside[13:22, 13:22] = True  # change is looked for in a neighbourhood
    outside[7:28, 7:28] = False
    assert np.abs(after.colour[inside] - image[inside]).max() < 2
    assert after.count[inside].max() < 1.1
    assert after.count[outside].min() == 9


def test_carried_by_whole_pixels_moves_everything() -> None:
    memory = remembered(5)
    moved = memory.carried(shift(4, 2), SURE)
    assert np.allclose(moved.colour[:-4, :-6], memory.colour[2:-2, 4:-2], atol=0.01)
    assert moved.count[:-2, :-4] == pytest.approx(np.full((38, 52), 5.0))
    assert (moved.age[:-2, :-4] == 1).all()
    assert not moved.count[-2:].any() and not moved.count[:, -4:].any()  # came from outside the picture


def test_a_mixture_of_known_and_unknown_is_not_known() -> None:
    hidden = SEEN.copy()
    hidden[:, 20:30] = True
    memory = Memory.empty(*SIZE).updated(texture(*SIZE), hidden)
    known = memory.carried(shift(0.5, 0), SURE).count[5] > 0
    assert known[:19].all() and not known[19:30].any() and known[30:55].all()


@pytest.mark.parametrize("trust", [0.0, 0.5, 1.0])
def test_trust_scales_the_count(trust: float) -> None:
    memory = remembered(4).carried(STAY, SURE * np.float32(trust))
    assert memory.count == pytest.approx(np.full(SIZE, 4 * trust))


def test_memories_are_never_changed_in_place() -> None:
    memory = remembered(3)
    before = memory.colour.copy(), memory.count.copy(), memory.age.copy()
    memory.carried(STAY, SURE * 0.5).updated(np.zeros((*SIZE, 3), np.uint8), SEEN)
    memory.carried(shift(1, 1), SURE).updated(np.zeros((*SIZE, 3), np.uint8), HIDDEN)
    assert all(np.array_equal(a, b) for a, b in zip(before, (memory.colour, memory.count, memory.age), strict=True))
