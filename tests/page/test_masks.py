"""Masks that are drawn and carried along the motion, and masks as files."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from restore.errors import ConfigError, MaskError
from restore.page.detections import Detections, Found
from restore.page.edits import Edits
from restore.page.folder import NotHere
from restore.page.frame_store import FrameStore, png
from restore.page.masks import Masks, follow_layer, import_mask
from restore.page.survey import Survey, survey
from restore.video.mask import MaskCheck, hidden_pixels, open_mask
from tests.inference.test_files import write
from tests.propagation.footage import pan

STEP, SIZE = 2, (96, 128)
BOX = slice(40, 60), slice(60, 90)


def nothing(share: float) -> None:
    pass


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames of a scene that moves to the left by `STEP` px a frame, then three of another."""
    clip = np.concatenate([pan(9, (0, STEP)), 255 - pan(3, (0, STEP), seed=5).transpose(0, 1, 2, 3)[:, ::-1]])
    return write(tmp_path_factory.mktemp("video") / "v.mkv", clip)


@pytest.fixture(scope="module")
def seen(video: Path) -> Survey:
    return survey(video, nothing)


@pytest.fixture
def edits(tmp_path: Path) -> Edits:
    return Edits(tmp_path)


@pytest.fixture
def followed(video: Path, seen: Survey, edits: Edits) -> Callable[[int], Masks]:
    """A layer by its number, carried along the motion."""

    def follow(number: int) -> Masks:
        store, layer = FrameStore(video), edits.layers[number]
        edits.carry(number, follow_layer(layer, edits, seen, store, nothing))
        store.close()
        return Masks(seen, edits, None)

    return follow


def boxed(shift: int = 0) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[BOX[0], BOX[1].start + shift : BOX[1].stop + shift] = True
    return mask


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def test_a_video_is_looked_through(seen: Survey) -> None:
    assert (seen.frames, seen.scenes, len(seen.pictures), seen.broken) == (12, [0, 9], 2, None)
    assert (seen.scene_of(8), seen.scene_of(9)) == (range(9), range(9, 12))
    assert seen.seconds(5) == pytest.approx(0.2)


@pytest.mark.parametrize("key", [0, 4, 8])
def test_a_mask_follows_the_motion_both_ways_to_the_cut(
    edits: Edits, followed: Callable[[int], Masks], key: int
) -> None:
    layer = edits.add()
    edits.draw(layer.number, key, boxed())
    masks = followed(layer.number)
    for frame in range(9):
        assert overlap(masks.frame(frame), boxed(STEP * (key - frame))) > 0.93, frame
    assert not any(masks.frame(frame).any() for frame in range(9, 12))


def test_a_large_mask_follows_too(edits: Edits, followed: Callable[[int], Masks]) -> None:
    layer, large = edits.add(), np.zeros(SIZE, bool)
    large[10:80, 20:110] = True
    edits.draw(layer.number, 0, large)
    assert overlap(followed(layer.number).frame(4), np.roll(large, -4 * STEP, 1)) > 0.97


def test_on_the_lens_it_stays(edits: Edits, followed: Callable[[int], Masks]) -> None:
    layer = edits.add(moves=False)
    edits.draw(layer.number, 4, boxed())
    masks = followed(layer.number)
    assert all(np.array_equal(masks.frame(frame), boxed()) for frame in range(12))
    edits.change(layer.number, first=3, last=5)
    assert [bool(masks.frame(frame).any()) for frame in (2, 3, 5, 6)] == [False, True, True, False]
    with pytest.raises(ConfigError, match="would end before frame 3, where it begins; choose a later one"):
        edits.change(layer.number, last=1)


def test_key_frames_correct_it(edits: Edits, followed: Callable[[int], Masks]) -> None:
    layer = edits.add()
    edits.draw(layer.number, 0, boxed())
    edits.draw(layer.number, 8, boxed(-40))
    masks = followed(layer.number)
    assert overlap(masks.frame(3), boxed(-3 * STEP)) > 0.93  # of the key frame before
    assert overlap(masks.frame(6), boxed(-40 + 2 * STEP)) > 0.93  # of the one behind, which is nearer
    edits.undraw(layer.number, 8)
    assert overlap(followed(layer.number).frame(6), boxed(-6 * STEP)) > 0.93


def test_layers_and_detections_together(seen: Survey, edits: Edits) -> None:
    labels, none = np.zeros(SIZE, np.uint16), png(np.zeros(SIZE, np.uint16))
    labels[10:20, 10:20] = 2
    track = {"kind": "dirt", "score": 1.0, "frames": [0, 11], "box": [10, 10, 20, 20], "largest": 0.1}
    for proven in (True, False):
        name = "o0" if proven else "s0"
        pair = (png(labels), none) if proven else (none, png(labels))
        masks = Masks(seen, edits, Detections([Found(name, 2, track)], [pair] * 12))
        assert masks.frame(3).any() == proven and not masks.corrected
        edits.decide(name, not proven, 0)
        assert masks.frame(3).any() != proven and masks.corrected
        edits.decide(name, True, 2)
        grown = cv2.boundingRect(masks.frame(3).view(np.uint8))
        assert grown == (8, 8, 14, 14) and masks.corrected  # by 1/120 of 96 px, twice
        edits.decide(name, proven, 0)
        assert not masks.corrected
    edits.decide("s0", True, 0)
    protects = edits.add(moves=False, keeps=True)
    edits.draw(protects.number, 0, np.ones(SIZE, bool))
    assert not masks.frame(3).any()


def test_corrections_are_read_again(
    edits: Edits, followed: Callable[[int], Masks], seen: Survey, tmp_path: Path
) -> None:
    layer = edits.add(name="a <b> name", keeps=True)
    edits.draw(layer.number, 4, boxed())
    edits.decide("s0", True, 1)
    carried = followed(layer.number).layer(layer, 6)
    again = Edits(tmp_path)
    assert carried.any() and np.array_equal(Masks(seen, again, None).layer(layer, 6), carried)
    assert again.layers == edits.layers and again.decisions == edits.decisions
    assert np.array_equal(again.drawn(layer.number, 4), boxed())
    edits.remove(layer.number)
    assert Edits(tmp_path).layers == {} and [path.name for path in tmp_path.iterdir()] == ["edits.json"]
    with pytest.raises(NotHere, match="no such layer"):
        edits.layer(layer.number)


def test_what_is_exported_comes_in_again(seen: Survey, edits: Edits, tmp_path: Path) -> None:
    layer = edits.add(moves=False)
    edits.draw(layer.number, 0, boxed())
    edits.draw(layer.number, 6, boxed(-20))
    masks = Masks(seen, edits, None)
    expected = list(masks.all())
    video = masks.write_video(tmp_path / "masks", "clip")
    assert MaskCheck.of(video).warnings() == []
    with open_mask(video) as reader:
        assert all(
            np.array_equal(hidden_pixels(frame.image), mask) for frame, mask in zip(reader, expected, strict=True)
        )
    assert masks.write_video(tmp_path / "masks", "clip") == video  # the same pixels have one name
    edits.draw(layer.number, 6, boxed(-30))
    assert masks.write_video(tmp_path / "masks", "clip") != video and video.exists()
    edits.draw(layer.number, 6, boxed(-20))
    masks.write_images(tmp_path / "mask.zip")
    with zipfile.ZipFile(tmp_path / "mask.zip") as archive:
        archive.extractall(tmp_path)
    edits.remove(layer.number)
    for path in (video, tmp_path / "mask"):
        layer = import_mask(path, edits, seen, path.name)
        assert layer.keys == [0, 6]
        assert all(np.array_equal(a, b) for a, b in zip(masks.all(), expected, strict=True))
        edits.remove(layer.number)
    layer = import_mask(tmp_path / "mask/000000.png", edits, seen, "one image")
    assert layer.keys == [0] and all(np.array_equal(mask, boxed()) for mask in masks.all())


def test_a_mask_that_does_not_fit_leaves_no_layer(seen: Survey, edits: Edits, tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    path.write_bytes(png(np.zeros((48, 64), np.uint8)))
    with pytest.raises(MaskError, match=r"mask is 64x48, video is 128x96; give one of the video.s size: small\.png"):
        import_mask(path, edits, seen, "small.png")
    with pytest.raises(MaskError, match=r"mask has 3 frames, video has 12; give one frame for each: short\.mkv"):
        import_mask(write(tmp_path / "short.mkv", pan(3, (0, 1))), edits, seen, "short.mkv")
    assert edits.layers == {}
