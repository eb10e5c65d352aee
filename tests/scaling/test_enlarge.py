import cv2
import numpy as np
import pytest
from torch import Tensor

from restore.frame import Frame
from restore.propagation.provenance import COPIED, ENLARGED, FILLED
from restore.restored import Restored
from restore.scaling.enlarge import enlarged_frames
from restore.video.carried import Carried
from tests.models.test_scaler import random_scaler
from tests.propagation.footage import pan


def restored(clip: np.ndarray, scenes: list[int] | None = None) -> list[Restored]:
    """Frames of which the left upper corner is hidden, and copied; one pixel of it is filled."""
    mask = np.zeros(clip.shape[1:3], np.float32)
    mask[:4, :6] = 1
    codes = (mask * COPIED).astype(np.uint8)
    codes[0, 0] = FILLED
    sure = np.where(mask > 0, 99, 255).astype(np.uint8)
    frames = [
        Frame(image // 2, pts=t, mask=mask, probability=mask, kinds=codes, proven=mask > 0, suspected=mask > 2, scene=0)
        for t, image in enumerate(clip)
    ]
    for frame, scene in zip(frames, scenes or [0] * len(clip), strict=True):
        frame.scene = scene
    return [Restored(frame, image, codes, sure) for frame, image in zip(frames, clip, strict=True)]


def same(x: Tensor) -> Tensor:
    return x


def pictures(frames: list[Restored], size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.stack([one.image for one in enlarged_frames(frames, random_scaler(), size=size, to_device=same)])


@pytest.mark.parametrize(
    ("count", "size"), [(0, (48, 64)), (1, (48, 64)), (4, (48, 64)), (3, (96, 128)), (3, (72, 90))]
)
def test_one_comes_out_for_each_in_all_of_one_size(count: int, size: tuple[int, int]) -> None:
    frames = restored(pan(4, (0, 1), 24, 32)[:count])
    results = list(enlarged_frames(iter(frames), random_scaler(), size=size, to_device=same))
    assert [one.frame.pts for one in results] == list(range(count))
    for one in results:
        frame = one.frame
        planes = (
            frame.mask,
            frame.probability,
            frame.kinds,
            frame.proven,
            frame.suspected,
            one.provenance,
            one.confidence,
        )
        assert all(plane is not None and plane.shape == size for plane in planes)
        assert one.image.shape == frame.image.shape == frame.given.shape == (*size, 3)
        assert one.image.dtype == np.uint8 and one.mask.dtype == bool


def test_what_is_known_of_a_pixel_is_known_of_its_four() -> None:
    (result,) = enlarged_frames(restored(pan(1, (0, 1), 24, 32)), random_scaler(), size=(48, 64), to_device=same)
    assert np.unique(result.provenance).tolist() == [COPIED, FILLED, ENLARGED]
    assert (result.provenance[:2, :2] == FILLED).all() and (result.provenance == FILLED).sum() == 4
    assert (result.mask == (result.provenance != ENLARGED)).all() and result.mask.sum() == 96
    assert (result.confidence == np.where(result.mask, 99, 255)).all()
    assert (result.frame.proven == result.mask).all() and not result.frame.suspected.any()  # type: ignore[union-attr]
    degraded = pan(1, (0, 1), 24, 32)[0] // 2
    assert (result.frame.given == cv2.resize(degraded, (64, 48), interpolation=cv2.INTER_CUBIC)).all()


def test_nothing_is_carried_across_a_cut() -> None:
    clip = np.concatenate([pan(3, (0, 1), 24, 32, seed=1), pan(3, (1, 0), 24, 32, seed=2)])
    both = pictures(restored(clip, [0, 0, 0, 1, 1, 1]))
    apart = np.concatenate([pictures(restored(clip[:3])), pictures(restored(clip[3:]))])
    assert (both == apart).all()
    assert (both != pictures(restored(clip))).any()


def test_other_sizes_are_of_the_enlarged_picture() -> None:
    clip = pan(3, (0, 1), 24, 32)
    twice, more = pictures(restored(clip)), pictures(restored(clip), (40, 50))
    wanted = [cv2.resize(image, (50, 40), interpolation=cv2.INTER_AREA) for image in twice]
    assert (more == np.stack(wanted)).all()


def test_what_goes_to_the_writer_is_enlarged_too() -> None:
    (one,) = restored(pan(1, (0, 1), 24, 32))
    deep, alpha = np.full((24, 32, 3), 30000, np.uint16), np.full((24, 32), 65535, np.uint16)
    one.frame.carried, one.frame.dark = Carried(7, None, deep, alpha), one.image
    (result,) = enlarged_frames([one], random_scaler(), size=(48, 64), to_device=same)
    carried = result.frame.carried
    assert carried is not None and carried.duration == 7
    assert carried.deep is not None and carried.deep.shape == (48, 64, 3) and (carried.deep == 30000).all()
    assert carried.alpha is not None and carried.alpha.shape == (48, 64) and (carried.alpha == 65535).all()
    assert result.frame.given.shape == (48, 64, 3)
