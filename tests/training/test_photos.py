from pathlib import Path

import cv2
import numpy as np
import pytest

from restore.errors import DataError
from restore.training.photos import Shot, read_photo, shoot
from tests.propagation.footage import texture

PHOTO = texture(120, 160, 1) // 2 + 64  # no pure red


def shots(count: int = 40, frames: int = 5, size: tuple[int, int] = (48, 64)) -> list[Shot]:
    red = np.zeros((60, 60, 3), np.uint8)
    red[..., 0] = 255
    return [
        shoot(PHOTO, frames=frames, size=size, rng=np.random.default_rng(seed), other=lambda: red)
        for seed in range(count)
    ]


def change(frames: np.ndarray) -> float:
    """Mean difference of neighbouring frames, levels."""
    return float(np.abs(np.diff(frames.astype(float), axis=0)).mean())


def test_the_state_of_the_generator_decides() -> None:
    once, again = (
        shoot(PHOTO, frames=4, size=(48, 64), rng=np.random.default_rng(3), other=lambda: PHOTO) for _ in range(2)
    )
    assert np.array_equal(once.sharp, again.sharp) and np.array_equal(once.recorded, again.recorded)
    assert once.sharp.shape == once.recorded.shape == (4, 48, 64, 3) and once.sharp.dtype == np.uint8


@pytest.mark.parametrize("size", [(48, 64), (33, 21), (200, 300)])
@pytest.mark.parametrize("frames", [1, 6])
def test_any_size_and_length(size: tuple[int, int], frames: int) -> None:
    for seed in range(4):
        shot = shoot(PHOTO, frames=frames, size=size, rng=np.random.default_rng(seed), other=lambda: PHOTO)
        assert shot.sharp.shape == shot.recorded.shape == (frames, *size, 3)


def test_some_cameras_are_static_and_most_move() -> None:
    changes = [change(shot.sharp) for shot in shots() if not _red(shot)]
    assert 0 < sum(value == 0 for value in changes) < 0.5 * len(changes)
    assert max(changes) > 5


def test_an_open_shutter_blurs_what_moves_and_only_that() -> None:
    blurred = 0
    for shot in shots():
        if np.array_equal(shot.sharp, shot.recorded):
            continue
        blurred += 1
        sharpness = [np.abs(np.diff(x.astype(float), axis=2)).mean() for x in (shot.sharp, shot.recorded)]
        assert sharpness[1] < sharpness[0]
        # It is centred: nothing is shifted by it.
        errors = [
            np.square(shot.recorded[2, 8:-8, 8:-8] - _moved(shot.sharp[2], dx)[8:-8, 8:-8]).mean() for dx in (-2, 0, 2)
        ]
        assert errors[1] <= min(errors)
        assert change(shot.sharp) > 0
    assert 4 < blurred < 25


def test_a_piece_of_another_photograph_moves_in_front_of_a_share() -> None:
    reds = [_red(shot) for shot in shots()]
    assert 8 < sum(red > 0.01 for red in reds) < 30


def test_what_is_sampled_is_the_photograph() -> None:
    """A static camera's window correlates with some place of the photograph, at its scale."""
    for seed in range(40):
        shot = shoot(PHOTO, frames=2, size=(60, 80), rng=np.random.default_rng(seed), other=lambda: PHOTO[:1, :1])
        if change(shot.sharp) == 0:
            break
    big = cv2.resize(PHOTO, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    assert shot.sharp.mean() == pytest.approx(big.mean(), abs=25)
    assert shot.sharp.std() > 0.5 * PHOTO.std()


def test_reading(tmp_path: Path) -> None:
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 0] = 200
    cv2.imwrite(str(tmp_path / "red.png"), red[..., ::-1])
    assert np.array_equal(read_photo(tmp_path / "red.png"), red)
    (tmp_path / "broken.jpg").write_bytes(b"no photograph")
    with pytest.raises(DataError, match=r"^cannot be read as a photograph; expected an image .*broken\.jpg$"):
        read_photo(tmp_path / "broken.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(DataError, match=r"^cannot be read as a photograph"):
        read_photo(tmp_path / "empty.jpg")


def _red(shot: Shot) -> float:
    """The share of the frames that a red piece covers."""
    x = shot.sharp.astype(int)
    return float(((x[..., 0] > 200) & (x[..., 1] < 40) & (x[..., 2] < 40)).mean())


def _moved(picture: np.ndarray, dx: int) -> np.ndarray:
    return np.roll(picture, dx, axis=1).astype(float)
