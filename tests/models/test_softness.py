import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from restore.degradations.blur import defocus, motion_blur
from restore.models.softness import FEWEST, MOST, QUIET, RINGS, WINDOW, at_frequencies, blur_logit, log_spectrum, powers
from restore.video.recode import recoded


def picture(name: str = "astronaut") -> Tensor:
    """`1 3 240 320` in [-1, 1]."""
    image = getattr(data, name)()[60:300, 60:380]
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 127.5 - 1


def levels(x: Tensor) -> Tensor:
    """As 8 bits hold them."""
    return ((x + 1) * 127.5).round() / 127.5 - 1


def visible(x: Tensor) -> Tensor:
    return torch.zeros_like(x[:, :1], dtype=torch.bool)


def logit(x: Tensor) -> float:
    return blur_logit(levels(x), visible(x)).item()


@pytest.mark.parametrize("name", ["astronaut", "coffee", "cat"])
def test_blurred_pictures_are_told_from_others(name: str) -> None:
    sharp = picture(name)
    ones = torch.ones(1)
    blurred = [defocus(sharp[None], torch.tensor([sigma]))[0] for sigma in (1.2, 1.4, 2.0)]
    blurred.append(motion_blur(sharp, 9 * ones, 0.4 * ones))
    clip = ((sharp + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy().repeat(2, 0)
    coded = torch.from_numpy(recoded(clip, encoder="libx264", quality=28)[1:]).permute(0, 3, 1, 2) / 127.5 - 1
    assert min(map(logit, blurred)) > max(logit(sharp), logit(coded)) + 1


def test_white_noise_has_the_power_of_its_variance_in_all_rings() -> None:
    noise = torch.randn(3, 1, 512, 512, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1) * 5 / 127.5
    rings = log_spectrum(noise, visible(noise))
    assert rings.shape == (3, RINGS) and rings.dtype == torch.float32
    # The median of rings of few frequencies is a little below the mean.
    assert torch.allclose(rings[:, 3:].exp(), torch.tensor(25 + QUIET), rtol=0.12)
    assert (rings[:, 3:] - rings[:, 3:].mean()).abs().max() < 0.15


def test_a_wave_is_in_its_own_ring() -> None:
    for cycles in (4, 12, 25):  # of a window
        phase = 2 * np.pi * cycles * torch.arange(256) / WINDOW
        wave = (0.3 * phase.sin()).expand(1, 3, 256, 256)
        for x in (wave, wave.transpose(2, 3)):
            assert log_spectrum(x, visible(x)).argmax().item() == cycles * 2 * RINGS // WINDOW


def test_what_is_hidden_does_not_count() -> None:
    x = picture()
    hidden = visible(x)
    hidden[..., :100] = True
    without = log_spectrum(x, hidden)
    x[..., :100] = torch.rand(x[..., :100].shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(log_spectrum(x, hidden), without)
    assert not torch.allclose(log_spectrum(x, visible(x)), without, atol=0.1)


def test_too_little_tells_nothing() -> None:
    x = picture()
    hidden = ~visible(x)
    hidden[..., : WINDOW + 32, : WINDOW + 32] = False  # four windows
    assert FEWEST == 4 and log_spectrum(x, hidden).isfinite().all()
    hidden[..., 0, 0] = True
    assert log_spectrum(x, hidden).isnan().all() and blur_logit(x, hidden).item() == -torch.inf
    small = x[..., : WINDOW - 1]
    assert log_spectrum(small, visible(small)).isnan().all()
    both = torch.cat([x, x]), torch.cat([visible(x), hidden])
    assert blur_logit(*both).flatten().isfinite().tolist() == [True, False]


def test_large_frames_are_sampled() -> None:
    """Windows are apart there, with rows between them that nothing depends on."""
    x = torch.rand(1, 1, 1080, 1920, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1).clone()
    before = log_spectrum(x, visible(x))
    step = -(-(1080 - WINDOW) // (MOST - 1))
    x[..., WINDOW:step, :] = 0
    assert torch.equal(log_spectrum(x, visible(x)), before)
    x[..., :WINDOW, :] = 0
    assert not torch.equal(log_spectrum(x, visible(x)), before)


def test_white_noise_has_the_power_of_its_variance_at_each_frequency() -> None:
    noise = torch.randn(2, 1, 512, 512, generator=torch.Generator().manual_seed(1)).expand(-1, 3, -1, -1) * 5 / 127.5
    logs = at_frequencies(*powers(noise, visible(noise)))
    assert logs.shape == (2, WINDOW, WINDOW // 2 + 1)
    inner = logs[:, 2:31, 2:31]
    assert inner.mean().exp().item() == pytest.approx(25, rel=0.1) and inner.std() < 0.3
