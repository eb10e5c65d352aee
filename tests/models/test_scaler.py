import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restore.models import scaler as module
from restore.models.scaler import Scaler, enlarged, enlarged_window, warped
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import pan, texture


def random_scaler(seed: int = 0) -> Scaler:
    """A small one whose last layer is not zero."""
    torch.manual_seed(seed)
    scaler = Scaler(width=8, blocks=2, memory=3)
    nn.init.normal_(scaler.tail.weight, std=0.1)
    return scaler.eval()


def window(clip: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """A clip `T H W 3` that pans two pixels to the right a frame, and its motion."""
    flow = torch.zeros(1, len(clip), 2, *clip.shape[1:3])
    flow[:, :, 0] = 2
    return to_float(clip)[None], -flow, flow


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (17, 30), (48, 64)])
def test_an_untrained_one_enlarges_bicubically(size: tuple[int, int]) -> None:
    image = texture(*size, scale=2)
    result, state = enlarged(
        Scaler(width=8, blocks=1, memory=7), *[to_float(image)[None]] * 2, *[torch.zeros(1, 2, *size)] * 2, None
    )
    wanted = cv2.resize(image, size[::-1] if size == (1, 1) else None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    wanted = np.broadcast_to(image, (2, 2, 3)) if size == (1, 1) else wanted
    assert np.abs(to_uint8(result)[0].astype(int) - wanted).max() <= 1
    assert state.shape == (1, 8, 2 * size[0], 2 * size[1])


def test_a_picture_is_sampled_between_its_pixels() -> None:
    ramp = torch.arange(16.0).view(1, 1, 1, 16).expand(1, 1, 8, 16) / 16
    vectors = torch.tensor([0.25, 0.0]).view(1, 2, 1, 1).expand(1, 2, 8, 16)
    for mode in ("bilinear", "bicubic"):
        got = warped(ramp, vectors, mode)[0, 0, 8, 8:24] * 16
        assert torch.allclose(got, (torch.arange(8, 24) + 0.5) / 2 - 0.5 + 0.25, atol=1e-4), mode


def test_large_pictures_are_computed_in_tiles_to_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = random_scaler()
    x = torch.randn(1, scaler.head.in_channels, 61, 94)
    with torch.no_grad():
        whole = scaler(x)
        monkeypatch.setattr(module, "TILE", 2 * scaler.reach + 9)
        sizes: list[tuple[int, ...]] = []
        monkeypatch.setattr(Scaler, "whole", _noting(Scaler.whole, sizes))
        assert torch.allclose(scaler(x), whole, atol=1e-5)
        assert len(sizes) > 50 and max(max(size[-2:]) for size in sizes) <= 2 * scaler.reach + 9


def _noting(whole, sizes: list[tuple[int, ...]]):  # type: ignore[no-untyped-def]
    def noted(self: Scaler, x: Tensor) -> Tensor:
        sizes.append(tuple(x.shape))
        return whole(self, x)

    return noted


def test_a_frame_is_enlarged_with_those_before_it_and_the_next() -> None:
    scaler, clip = random_scaler(), pan(5, (0, 2), 24, 32)
    small, after, before = window(clip)
    with torch.no_grad():
        result = enlarged_window(scaler, small, after, before)
        assert result.shape == (1, 5, 3, 48, 64)
        for changed in range(5):
            other = small.clone()
            other[:, changed] *= -1
            differs = (enlarged_window(scaler, other, after, before) - result).abs().amax((0, 2, 3, 4)) > 1e-4
            assert differs.tolist() == [t >= changed - 1 for t in range(5)]
        # What lies beyond the ends is not read.
        after[:, -1], before[:, 0] = 7, 7
        assert torch.equal(enlarged_window(scaler, small, after, before), result)


def test_the_past_is_sampled_along_the_motion() -> None:
    scaler, clip = random_scaler(), pan(2, (0, 2), 24, 32)
    small, after, before = window(clip)
    state = torch.zeros(1, 4, 48, 64)
    state[:, :, :, 40:] = 1
    with torch.no_grad():
        at = [enlarged(scaler, small[:, 1], small[:, 1], after[:, 1] * 0, before[:, 1] * k, state)[0] for k in (0, 1)]
        none = enlarged(scaler, small[:, 1], small[:, 1], after[:, 1] * 0, before[:, 1] * 0, state * 0)[0]
    first = [int((result - none).abs().amax((0, 1, 2)).gt(1e-4).nonzero()[0]) for result in at]
    assert first[0] - first[1] == 4  # two pixels of the small frame


def test_what_goes_round_is_bounded() -> None:
    scaler = random_scaler()
    nn.init.normal_(scaler.tail.weight, std=30.0)
    small, after, before = window(pan(6, (0, 2), 24, 32))
    state = None
    with torch.no_grad():
        for t in range(6):
            _, state = enlarged(scaler, small[:, t], small[:, t], after[:, t], before[:, t], state)
            assert state.abs().max() <= 1
