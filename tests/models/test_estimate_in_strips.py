from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from restore.frame import HIDDEN
from restore.models.estimate_in_strips import StripEstimator
from restore.models.generator import GatedGenerator
from restore.propagation.evidence import FRAME, MASK
from tests.models.test_generator import TINY, evidence_with_holes

HOLES = np.s_[10:30, 20:40], np.s_[150:310, 100:420]  # the second is more than a strip


def learned(**kwargs: Any) -> GatedGenerator:
    """One whose residual, share and error depend on all that it reads."""
    torch.manual_seed(3)
    model = GatedGenerator(**(TINY | kwargs)).eval()
    torch.nn.init.normal_(model.unet.tail.weight, std=0.3)
    return model


def noisy(evidence: Tensor, sigma: float) -> Tensor:
    evidence[:, FRAME] += sigma * torch.randn(evidence[:, FRAME].shape, generator=torch.Generator().manual_seed(2))
    return evidence


@pytest.mark.parametrize("size", [(333, 500), (330, 480)])
@pytest.mark.parametrize("case", ["noise", "weak noise", "noise and holes", "holes", "nothing"])
@pytest.mark.parametrize("reads_spectrum", [False, True])
@torch.inference_mode()
def test_the_estimate_is_that_of_the_whole_picture(size: tuple[int, int], case: str, reads_spectrum: bool) -> None:
    evidence = evidence_with_holes(size, *(HOLES if "holes" in case else ()))
    evidence = noisy(evidence, 0.03 if "weak" in case else 0.1) if "noise" in case else evidence
    model = learned(reads_spectrum=reads_spectrum)
    whole = model.estimate(evidence)
    asked: list[int] = []

    def some(part: slice) -> Tensor:
        asked.append(part.stop - part.start)
        return evidence[:, :, part]

    strips, hidden = StripEstimator(model, some, size, rows=64).estimate()
    assert torch.equal(hidden, evidence[:, MASK] > HIDDEN)
    assert torch.allclose(strips.degraded.noise, whole.degraded.noise)
    assert torch.allclose(strips.degraded.softness, whole.degraded.softness, atol=1e-4)
    for name, bound in (("restored", 1e-4), ("log_level", 1e-4), ("gate", 1e-4)):
        assert torch.allclose(getattr(strips, name), getattr(whole, name), atol=bound), name
    changed = not torch.allclose(whole.restored, evidence[:, FRAME], atol=0.01)
    assert changed == (case != "nothing")
    assert max(asked) <= 64 + 2 * 16
