import numpy as np
import pytest

from restore.models.finder import OcclusionFinder
from restore.models.generator import UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.pipeline import Restorer
from restore.propagation.confidence import confidence, frame_confidence
from restore.propagation.memory import MOST, Memory
from restore.propagation.provenance import COPIED, FILLED, SEEN
from tests.propagation.footage import behind, box, still, tracked

H, W = 48, 64
COUNTS, AGES = np.linspace(0, MOST, 41), np.arange(1, 1501)


def test_it_is_a_share() -> None:
    values = confidence(COUNTS[:, None], AGES[None])
    assert values.min() == 0 and 0.9 < values.max() < 1


def test_more_frames_and_nearer_ones_are_more_certain() -> None:
    values = confidence(COUNTS[:, None], AGES[None])
    assert (np.diff(values, axis=0) > 0).all()
    assert (np.diff(values[1:], axis=1) < 0).all()


def test_no_frame_is_no_certainty_however_near() -> None:
    assert confidence(np.zeros(3), np.array([0, 1, 100])).tolist() == [0, 0, 0]


def remembered(count: float, age: float) -> Memory:
    plane = np.ones((H, W), np.float32)
    return Memory(np.zeros((H, W, 3), np.float32), plane * np.float32(count), plane * np.float32(age))


def test_past_and_future_together_are_more_certain_than_each() -> None:
    (frame,) = tracked(still(1, H, W), np.ones((1, H, W), np.float32))
    past, future, nothing = remembered(4, 3), remembered(2, 10), remembered(0, 1)
    both, first, second, none = (
        frame_confidence(frame, *memories)[0, 0]
        for memories in ((past, future), (past, nothing), (nothing, future), (nothing, nothing))
    )
    assert both > first > second > none == 0


@pytest.mark.parametrize("classic", [False, True])
def test_it_comes_with_each_restored_frame(classic: bool) -> None:
    generator = (
        Pix2PixUNet(width=4, depth=5).eval()
        if classic
        else UNetGenerator(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    )
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,))
    clip, mask = still(12, H, W), box(12, H, W, (10, 4), step=(0, 3))
    mask[:, 30:40, 40:50] = 1  # and one that stays
    for frame in Restorer(generator, finder, device="cpu", precision="float32").restore_frames(
        behind(clip, mask), mask
    ):
        certain = frame.confidence
        assert certain.dtype == np.uint8 and certain.shape == (H, W)
        assert (certain[frame.provenance == SEEN] == 255).all()
        assert (certain[frame.provenance == FILLED] == 0).all()
        assert ((certain > 0) & (certain < 255))[frame.provenance == COPIED].all()
