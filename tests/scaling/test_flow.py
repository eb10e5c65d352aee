import cv2
import numpy as np
import pytest

from restore.scaling.flow import full_flow
from tests.propagation.footage import photograph


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.25, 0.75), (3.3, -1.6)])
def test_motion_is_found_to_a_tenth_of_a_pixel(shift: tuple[float, float]) -> None:
    photo = photograph()

    def frame(x: float, y: float) -> np.ndarray:
        there = np.array([[4, 0, 300 + 4 * x], [0, 4, 300 + 4 * y]], np.float64)
        return cv2.warpAffine(photo, there, (96, 72), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    flow = full_flow(frame(0, 0), frame(*shift))
    assert flow.shape == (72, 96, 2) and flow.dtype == np.float32
    inside = flow[8:-8, 8:-8].reshape(-1, 2)
    # A point of this frame lies so much earlier in one that is taken further on.
    assert np.abs(np.median(inside, 0) + shift).max() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (40, 15)])
def test_between_tiny_frames_nothing_moves(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert not full_flow(image, image[::-1].copy()).any()
