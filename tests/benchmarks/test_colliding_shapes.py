import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks.colliding_shapes import (
    FRICTION,
    KINDS,
    RATE,
    SLANT,
    Shapes,
    draw_clip,
    draw_shapes,
    move,
    picture,
    write_clips,
)
from restore.video.clip import read_clip

WIDTH = 1.5  # of the picture, in heights


def shapes_of(positions: list[list[float]], velocities: list[list[float]], radii: list[float]) -> Shapes:
    count = len(radii)
    return Shapes(
        np.array(positions, float),
        np.array(velocities, float),
        np.array(radii),
        [KINDS[0]] * count,
        np.full((count, 3), 0.5),
    )


def momentum(shapes: Shapes) -> np.ndarray:
    masses = shapes.radii**2
    return (masses[:, None] * shapes.velocities).sum(0)


def energy(shapes: Shapes) -> float:
    return float((shapes.radii**2 * np.square(shapes.velocities).sum(1)).sum() / 2)


def gap(shapes: Shapes) -> float:
    """Least distance between the outlines of two."""
    return min(
        float(np.linalg.norm(shapes.positions[a] - shapes.positions[b]) - shapes.radii[a] - shapes.radii[b])
        for a, b in itertools.combinations(range(len(shapes.radii)), 2)
    )


def test_a_collision_keeps_momentum_and_energy() -> None:
    shapes = shapes_of([[0, 0], [0.5, 0.1]], [[1, 0], [-0.2, 0.1]], [0.1, 0.15])
    before, work, velocities = momentum(shapes), energy(shapes), shapes.velocities.copy()
    move(shapes, 1.0, friction=0)
    assert np.abs(shapes.velocities - velocities).min() > 0.01  # they did collide
    np.testing.assert_allclose(momentum(shapes), before, atol=1e-12)
    assert energy(shapes) == pytest.approx(work)


def test_of_two_alike_the_one_that_rests_goes_on() -> None:
    shapes = shapes_of([[0, 0], [0.5, 0]], [[1, 0], [0, 0]], [0.1, 0.1])
    move(shapes, 0.5, friction=0)
    np.testing.assert_allclose(shapes.velocities, [[0, 0], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(shapes.positions, [[0.3, 0], [0.7, 0]], atol=1e-12)  # they touch after 0.3 s


def test_friction_stops_and_does_not_turn_round() -> None:
    shapes = shapes_of([[0, 0], [9, 9]], [[0.3, 0.4], [0, 0]], [0.1, 0.1])
    move(shapes, 0.5, friction=0.2)
    np.testing.assert_allclose(shapes.velocities[0], [0.24, 0.32])  # 0.1 slower, in the same direction
    move(shapes, 5, friction=0.2)
    assert not shapes.velocities.any()


@pytest.mark.parametrize("seed", range(12))
def test_shapes_never_overlap(seed: int) -> None:
    shapes = draw_shapes(WIDTH, np.random.default_rng(seed))
    collisions = 0
    shapes.velocities *= 4  # so fast that between two frames they could pass through each other
    assert gap(shapes) > 0
    for _ in range(40):
        before = momentum(shapes)
        slowed = shapes.velocities.copy()
        move(shapes, 1 / RATE, friction=0)
        np.testing.assert_allclose(momentum(shapes), before, atol=1e-9)
        collisions += not np.array_equal(shapes.velocities, slowed)
        assert gap(shapes) > -1e-9
    assert collisions  # every mover is on its way to another shape


def test_the_seed_decides() -> None:
    size = {"frames": 3, "height": 32, "width": 48}
    first = draw_clip(seed=7, **size)
    assert first.shape == (3, 32, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(draw_clip(seed=7, **size), first)
    assert (draw_clip(seed=8, **size) != first).any()


def test_a_size_is_the_same_scene_in_more_pixels() -> None:
    small, large = (draw_clip(frames=20, height=height, width=height * 3 // 2, seed=3) for height in (32, 64))
    halved = large.reshape(20, 32, 2, 48, 2, 3).mean((2, 4))
    assert np.abs(halved - small).mean() < 2  # levels


def test_shapes_move_and_the_floor_rests() -> None:
    clip = draw_clip(frames=50, height=64, width=96, seed=0).astype(int)
    changed = np.abs(np.diff(clip, axis=0)).max(-1) > 20  # T-1 H W
    assert changed.any(0).mean() > 0.05
    assert changed.mean() < 0.1


def test_what_is_nearer_is_lower_and_hides_what_is_farther() -> None:
    shapes = shapes_of([[0.5, 0.8], [0.5, 0.6]], [[0, 0], [0, 0]], [0.1, 0.1])
    shapes.colours[:] = [[1, 0, 0], [0, 0, 1]]
    column = picture(shapes, np.full((100, 100, 3), 0.5, np.float32))[:, 50].astype(int)  # H 3, through both
    (red, *_, last_red), (blue, *_, last_blue) = (np.flatnonzero(column[:, c] > column[:, 2 - c] + 30) for c in (0, 2))
    assert red < blue == last_red + 1 < last_blue  # the blue one is whole
    assert blue == pytest.approx(100 - 100 * (SLANT * 0.6 + 1.9 * 0.1), abs=1.5)


def test_they_slow_down() -> None:
    shapes = draw_shapes(WIDTH, np.random.default_rng(1))
    speed = np.linalg.norm(shapes.velocities, axis=1).max()
    for _ in range(RATE):
        move(shapes, 1 / RATE, friction=FRICTION)
    assert np.linalg.norm(shapes.velocities, axis=1).max() < speed
    assert SLANT < 1  # the floor is seen from above


def test_videos_hold_the_clips_bit_by_bit(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=2, frames=4, height=32, width=48, seed=5)
    paths = sorted((tmp_path / "clips").iterdir())
    assert [path.name for path in paths] == ["v_shapes_g00005_c01.avi", "v_shapes_g00006_c01.avi"]
    for path, seed in zip(paths, (5, 6), strict=True):
        np.testing.assert_array_equal(read_clip(path, 0, 9), draw_clip(frames=4, height=32, width=48, seed=seed))
