"""Frames restored without generating: what is seen stays, what is copied was seen, and what is marked was not."""

import numpy as np
import pytest

from restore.propagation.copies import UNSEEN_COLOUR, copies
from restore.propagation.provenance import COPIED, SEEN, UNSEEN
from restore.restored import Restored
from tests.propagation.footage import at_rest, box, camera, covered, noisy, propagated, psnr

H, W = 48, 64


def copied(clip: np.ndarray, mask: np.ndarray, scenes: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The images and the codes of a clip."""
    restored: list[Restored] = [copies(one) for one in propagated(clip, mask, scenes)]
    assert all(one.image.dtype == np.uint8 and one.provenance.dtype == np.uint8 for one in restored)
    return np.stack([one.image for one in restored]), np.stack([one.provenance for one in restored])


def moving_and_fixed(frames: int) -> np.ndarray:
    """The mask of a box that moves away, and of one that stays."""
    mask = box(frames, H, W, (10, 4), step=(0, 3))
    mask[:, 30:40, 40:50] = 1
    return mask


@pytest.mark.parametrize("behind", [0, 200])  # level of what hides the scene
def test_each_pixel_is_seen_or_copied_or_marked_and_none_comes_of_what_hides_it(behind: int) -> None:
    clip, mask = at_rest(12, H, W), moving_and_fixed(12)
    hidden = np.where(mask[..., None] > 0, np.uint8(behind), clip)
    images, codes = copied(hidden, mask)
    assert np.array_equal(images[mask == 0], clip[mask == 0]) and (codes[mask == 0] == SEEN).all()
    fixed = mask.all(0)
    assert (images[:, fixed] == UNSEEN_COLOUR).all() and (codes[:, fixed] == UNSEEN).all()
    moving = (mask > 0) & ~fixed
    assert (codes[moving] == COPIED).mean() > 0.95
    assert np.array_equal(images[codes == COPIED], clip[codes == COPIED])
    assert set(np.unique(codes)) == {SEEN, COPIED, UNSEEN}


def test_what_is_visible_keeps_its_noise_and_the_mark_has_none() -> None:
    mask = moving_and_fixed(12)
    clip = covered(noisy(at_rest(12, H, W), 15), mask)
    images, codes = copied(clip, mask)
    assert np.array_equal(images[codes == SEEN], clip[codes == SEEN])
    assert (images[codes == UNSEEN] == UNSEEN_COLOUR).all()
    copy = codes == COPIED
    assert psnr(images[copy].astype(float) - at_rest(12, H, W)[copy]) > 28  # of one frame it would be 24.6


def test_an_interpolation_that_undershoots_black_stays_black() -> None:
    scene = np.where(camera(16, 0.6, 0.3, zoom=0.01) > 110, np.uint8(255), np.uint8(0))
    mask = box(16, *scene.shape[1:3], (30, 4), step=(0, 6), side=30)
    images, codes = copied(covered(scene, mask), mask)
    wrapped = (images > 250) & (np.stack([one.averaged() for one in propagated(covered(scene, mask), mask)]) < 0)
    assert (codes == COPIED).any() and not wrapped[codes == COPIED].any()


def test_nothing_is_copied_across_a_cut() -> None:
    clip = np.concatenate([at_rest(4, H, W, seed=1), at_rest(4, H, W, seed=2)])
    mask = np.zeros((8, H, W), np.float32)
    mask[:4, 10:20, 10:20] = 1
    images, codes = copied(covered(clip, mask), mask, [0] * 4 + [1] * 4)
    assert (codes[:4, 10:20, 10:20] == UNSEEN).all() and np.array_equal(images[4:], clip[4:])


def test_a_frame_that_shows_nothing_and_alone_is_all_mark() -> None:
    images, codes = copied(at_rest(2, H, W), np.ones((2, H, W), np.float32))
    assert (images == UNSEEN_COLOUR).all() and (codes == UNSEEN).all()
