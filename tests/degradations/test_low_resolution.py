import pytest
import torch

from restore.degradations.low_resolution import enlarged, shrunk, small_size
from restore.tensors import to_float
from tests.propagation.footage import texture


@pytest.mark.parametrize("size", [(40, 56), (37, 45)])
def test_full_size_is_the_identity_and_any_scale_comes_back_to_the_size(size: tuple[int, int]) -> None:
    clean = to_float(texture(*size, 1)[None])
    assert torch.equal(enlarged(shrunk(clean, 1.0), size), clean)
    errors = []
    for scale in (0.9, 0.6, 0.3):
        small = shrunk(clean, scale)
        assert small.shape[-2:] == small_size(*size, scale) and small.shape[-1] < size[1]
        for mode in ("bicubic", "bilinear"):
            assert enlarged(small, size, mode=mode).shape == clean.shape
        errors.append((enlarged(small, size) - clean).square().mean().item())
    assert errors == sorted(errors)


def test_scaling_neither_shifts_nor_darkens() -> None:
    ramp = torch.linspace(-0.8, 0.8, 64).expand(1, 3, 48, 64)
    back = enlarged(shrunk(ramp, 0.5), (48, 64))
    assert (back - ramp)[..., 4:-4].abs().max() < 0.01
    assert small_size(9, 12, 0.1) == (8, 8)
