from itertools import pairwise

import numpy as np
import pytest

from restore.arrays import grid, sample
from restore.frame import Frame
from restore.propagation.memory import AVERAGED, Memory
from tests.propagation.footage import at_rest, noisy, texture, uniform_flow

SIZE = 40, 56
VISIBLE, HIDDEN = np.zeros(SIZE, bool), np.ones(SIZE, bool)
REST = uniform_flow(*SIZE)
SCENE = texture(*SIZE) // 2 + 64


def frame(image: np.ndarray, hidden: np.ndarray = VISIBLE) -> Frame:
    return Frame(image, mask=hidden.astype(np.float32))


def averaged(frames: int, sigma: float = 0, seed: int = 0) -> Memory:
    """After a scene at rest with noise."""
    memory = Memory.empty(*SIZE)
    for image in noisy(at_rest(frames, *SIZE) // 2 + 64, sigma, seed):
        memory = memory.warped(REST).updated(frame(image))
    return memory


def half_known(level: int = 200) -> Memory:
    """One level on the right, where it is known; the left is unknown, and black."""
    hidden = VISIBLE.copy()
    hidden[:, :28] = True
    return Memory.empty(*SIZE).updated(
        frame(np.where(hidden[..., None], np.uint8(0), np.uint8(level)).repeat(3, 2), hidden)
    )


def test_an_empty_memory_knows_nothing() -> None:
    memory = Memory.empty(*SIZE)
    assert memory.colour.shape == (*SIZE, 3) and memory.count.shape == memory.age.shape == SIZE
    assert not memory.known.any() and not memory.complete


def test_the_first_frame_is_taken_as_it_is() -> None:
    image = texture(*SIZE)
    memory = Memory.empty(*SIZE).updated(frame(image))
    assert np.array_equal(memory.colour, image) and memory.complete
    assert (memory.count == 1).all() and (memory.age == 0).all()


@pytest.mark.parametrize("frames", [2, 4, 8])
@pytest.mark.parametrize("sigma", [5, 10])
def test_averaging_lowers_noise_by_the_root_of_the_count(frames: int, sigma: float) -> None:
    memory = averaged(frames, sigma)
    error = memory.colour - SCENE
    # A little of the memory is dropped with every frame, as noise looks like change.
    assert 0.9 < error.std() / (sigma / np.sqrt(frames)) < 1.25
    assert abs(error.mean()) < 0.5
    assert frames * 0.7 < memory.count.mean() <= frames


def test_without_noise_a_scene_at_rest_stays_exact_and_is_counted() -> None:
    for frames in (1, 3, 10, 25):
        memory = averaged(frames)
        assert np.allclose(memory.colour, SCENE, atol=1e-3)
        assert memory.count == pytest.approx(np.full(SIZE, min(frames, AVERAGED)))


@pytest.mark.parametrize("sigma", [0, 10, 60])
def test_the_count_is_bounded(sigma: float) -> None:
    memory = averaged(30, sigma)
    assert memory.count.max() <= AVERAGED and memory.count.min() >= 1


def test_hidden_pixels_stay_as_they_were_last_seen_and_age() -> None:
    memory = averaged(4)
    half = VISIBLE.copy()
    half[:, :28] = True
    after = memory
    for _ in range(3):
        after = after.warped(REST).updated(frame(np.full((*SIZE, 3), 255, np.uint8), half))
    excluded = VISIBLE.copy()
    excluded[:, :29] = True  # dilated by a pixel
    assert np.array_equal(after.colour[excluded], memory.colour[excluded])
    assert np.array_equal(after.count[excluded], memory.count[excluded])
    assert (after.age[excluded] == 3).all()
    assert (after.age[~excluded] == 0).all()
    assert (after.colour[~excluded] > 240).mean() > 0.9


def test_nothing_is_learned_from_what_was_always_hidden() -> None:
    memory = Memory.empty(*SIZE)
    for _ in range(3):
        memory = memory.warped(REST).updated(frame(texture(*SIZE), HIDDEN))
    assert not memory.known.any()


def test_a_changed_pixel_is_dropped_and_the_others_stay() -> None:
    memory = averaged(8)
    image, changed = SCENE.copy(), VISIBLE.copy()
    changed[10:25, 10:25] = True
    image[changed] = 255 - image[changed] // 4
    after = memory.warped(REST).updated(frame(image))
    inside, outside = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    inside[13:22, 13:22] = True  # change is looked for in a neighbourhood
    outside[7:28, 7:28] = False
    assert np.abs(after.colour[inside] - image[inside]).max() < 2
    assert after.count[inside].max() < 1.1
    assert after.count[outside].min() == 9


def test_a_warp_by_whole_pixels_moves_everything() -> None:
    memory = averaged(5)
    flow = uniform_flow(*SIZE, 4, 2)
    flow.consistency[-1:], flow.consistency[:, -2:] = 0, 0  # 2 rows and 4 columns, which come from outside the picture
    moved = memory.warped(flow)
    assert np.allclose(moved.colour[:-4, :-6], memory.colour[2:-2, 4:-2], atol=0.01)
    assert moved.count[:-3, :-5] == pytest.approx(np.full((37, 51), 5.0))
    assert (moved.age[:-3, :-5] == 1).all()
    assert not moved.known[-1:].any() and not moved.known[:, -3:].any()


def test_what_is_known_moves_with_the_colour_and_the_rest_stays_unknown() -> None:
    moved = half_known().warped(uniform_flow(*SIZE, 4, 0))
    known = moved.known
    assert known[:, 25:].all() and not known[:, :25].any()
    assert (moved.age[:, 25:] == 1).all() and (moved.colour[:, 25:] == 200).all()


@pytest.mark.parametrize("step", [(0.4, 0.3), (-0.4, 0.3), (0.5, 0.0), (0.15, -0.85)])
def test_colours_are_resampled_from_known_pixels_only(step: tuple[float, float]) -> None:
    """A cubic interpolation that reads unknown pixels overshoots: 218 levels where 200 are known."""
    memory = half_known()
    for _ in range(5):
        memory = memory.warped(uniform_flow(*SIZE, *step))
        assert memory.known.any() and memory.colour[memory.known] == pytest.approx(200, abs=0.01)
        assert memory.count[memory.known] == pytest.approx(1, abs=1e-3)
        assert np.ptp(memory.age[memory.known]) < 1e-3


@pytest.mark.parametrize("step", [0.1, 0.3, 0.45, 0.6, 1.4])
@pytest.mark.parametrize("way", [-1, 1])
def test_what_is_known_moves_by_fractions_of_a_pixel(way: int, step: float) -> None:
    """Its rim neither stays behind nor goes ahead of the colours: what was never seen is not known."""
    memory = half_known()
    for _ in range(10):
        memory = memory.warped(uniform_flow(*SIZE, way * step, 0))
    first = int(np.argmax(memory.known[20]))
    assert abs(first - (29 - way * 10 * step)) <= 1 and memory.known[:, first:-15].all()
    assert memory.colour[memory.known] == pytest.approx(200, abs=0.01)


def test_what_is_seen_again_is_known_whole() -> None:
    memory = half_known().warped(uniform_flow(*SIZE, 0.3, 0))
    assert memory.share is not None and memory.share.min() == 0
    assert 0 < memory.share[20, 28] < 0.5 and not memory.known[20, 28]
    assert memory.share[20, 29:-1].min() >= 0.5 and memory.known[20, 29:].all()
    after = memory.updated(frame(SCENE))
    assert after.share is not None and (after.share == 1).all() and after.complete


def test_what_is_not_consistent_is_not_known_by_any_share() -> None:
    memory = half_known().warped(uniform_flow(*SIZE, 0.3, 0)).warped(uniform_flow(*SIZE, 0.3, 0, consistency=0))
    assert memory.share is not None and not memory.share.any() and not memory.known.any()


def test_resampling_blurs_little() -> None:
    scene = texture(*SIZE, scale=10)
    memory, linear = Memory.empty(*SIZE).updated(frame(scene)), scene.astype(np.float32)
    for way in (1, -1) * 5:
        flow = uniform_flow(*SIZE, way * 0.5, way * 0.5)
        memory, linear = memory.warped(flow), sample(linear, grid(*SIZE) + flow.at(*SIZE)[0])
    error, blurred = (np.square(picture - scene)[8:-8, 8:-8].mean() for picture in (memory.colour, linear))
    assert error < 0.5 * blurred


@pytest.mark.parametrize("consistency", [0.0, 0.5, 1.0])
def test_consistency_scales_the_count(consistency: float) -> None:
    memory = averaged(4).warped(uniform_flow(*SIZE, consistency=consistency))
    assert memory.count == pytest.approx(np.full(SIZE, 4 * consistency))
    assert memory.complete == (consistency > 0)


def test_age_grows_by_one_with_every_warp() -> None:
    memory = averaged(2)
    ages = [memory.age]
    for x in (0.0, 0.7, 0.0, 2.0):
        memory = memory.warped(uniform_flow(*SIZE, x, 0))
        ages.append(memory.age)
    for before, after in pairwise(ages):
        assert after == pytest.approx(before + 1, abs=1e-4)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_it_takes_the_exposure_of_a_frame(gain: float) -> None:
    memory = averaged(4)
    image = (SCENE * gain).round().clip(0, 255).astype(np.uint8)
    assert np.abs(memory.relit(frame(image)).colour - image).mean() < 1
    hidden = VISIBLE.copy()
    hidden[10:30, 10:30] = True
    image[hidden] = 128
    assert np.abs(memory.relit(frame(image, hidden)).colour - SCENE * gain).mean() < 1


def test_memories_are_never_changed_in_place() -> None:
    memory = averaged(3)
    before = memory.colour.copy(), memory.count.copy(), memory.age.copy()
    black = np.zeros((*SIZE, 3), np.uint8)
    memory.warped(uniform_flow(*SIZE, consistency=0.5)).relit(frame(black)).updated(frame(black))
    memory.warped(uniform_flow(*SIZE, 1, 1)).relit(frame(black)).updated(frame(black, HIDDEN))
    assert all(np.array_equal(a, b) for a, b in zip(before, (memory.colour, memory.count, memory.age), strict=True))
