import numpy as np
import pytest

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restored, Restorer
from restore.propagation.engine import fuse, sweep_backward, sweep_forward
from restore.propagation.memory import Memory
from restore.propagation.provenance import COPIED, FILLED, SEEN, provenance
from tests.propagation.footage import behind, box, still, tracked

H, W = 48, 64


def codes_of(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    frames = tracked(behind(clip, mask), mask)
    before, _ = sweep_forward(frames, None)
    after = sweep_backward(frames, len(frames))
    return np.stack([provenance(*parts) for parts in zip(frames, before, after, strict=True)])


def test_what_is_not_hidden_is_seen() -> None:
    codes = codes_of(still(4, H, W), np.zeros((4, H, W), np.float32))
    assert codes.dtype == np.uint8 and codes.shape == (4, H, W) and (codes == SEEN).all()


def test_what_another_frame_saw_is_copied() -> None:
    mask = box(8, H, W, (10, 4), step=(1, 6))
    codes = codes_of(still(8, H, W), mask)
    assert np.array_equal(codes == COPIED, mask > 0) and (codes[mask == 0] == SEEN).all()


def test_what_no_frame_saw_is_filled() -> None:
    mask = box(5, H, W, (10, 10), side=16)  # it stands still before a still scene
    assert np.array_equal(codes_of(still(5, H, W), mask), FILLED * (mask > 0))


def test_a_fully_hidden_clip_is_filled() -> None:
    assert (codes_of(still(3, H, W), np.ones((3, H, W), np.float32)) == FILLED).all()


def test_from_the_doubt_on_a_pixel_is_hidden() -> None:
    mask = np.zeros((1, H, W), np.float32)
    mask[0, :, 10], mask[0, :, 20] = 0.15, 0.25
    codes = codes_of(still(1, H, W), mask)[0]
    assert (codes[:, 10] == SEEN).all() and (codes[:, 20] == FILLED).all()


@pytest.mark.parametrize("age", [1, 100, 1500, 100_000])
def test_the_codes_say_where_fuse_takes_a_pixel_from(age: int) -> None:
    """However long ago a pixel was seen: it is copied from there, and said to be."""
    clip, mask = still(1, H, W), box(1, H, W, (10, 10), side=16)
    (frame,) = tracked(behind(clip, mask), mask)
    count = np.zeros((H, W), np.float32)
    count[:, :18] = 3  # the left half of the box
    red = np.full((H, W, 3), (255, 0, 0), np.float32)
    before, after = Memory(red, count, np.full((H, W), age, np.float32)), Memory.empty(H, W)
    codes, fused = provenance(frame, before, after), fuse(frame, before, after)
    assert np.array_equal(codes == COPIED, (mask[0] > 0) & (count > 0))
    assert np.array_equal(codes == FILLED, (mask[0] > 0) & (count == 0))
    assert np.allclose(fused[codes == COPIED], (255, 0, 0), atol=1e-3)
    assert not (fused[codes == FILLED] == (255, 0, 0)).all(-1).any()


def restored(generator: UNetGenerator | Pix2PixUNet, clip: np.ndarray, mask: np.ndarray) -> list[Restored]:
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    return list(Restorer(generator, finder, device="cpu", precision="float32").restore_frames(clip, mask))


@pytest.mark.parametrize(("frames", "hidden"), [(1, FILLED), (40, COPIED)])  # 40: more than the box is wide
def test_the_codes_come_with_each_restored_frame(frames: int, hidden: int) -> None:
    clip, mask = still(frames, H, W), box(frames, H, W, (10, 4), step=(0, 1))
    out = restored(UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)), behind(clip, mask), mask)
    assert np.array_equal(np.stack([frame.mask for frame in out]), mask)
    codes = np.stack([frame.provenance for frame in out])
    assert codes.dtype == np.uint8 and np.array_equal(codes, hidden * (mask > 0))


def test_the_classic_copies_nothing() -> None:
    clip, mask = still(6, 32, 40), box(6, 32, 40, (4, 4), step=(1, 3))
    out = restored(Pix2PixUNet(width=4, depth=5).eval(), clip, mask)
    assert np.array_equal(np.stack([frame.provenance for frame in out]), FILLED * (mask > 0))
