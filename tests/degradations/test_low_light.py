import numpy as np
import torch

from restore.degradations.low_light import dimmed, few_photons, lightened
from restore.light.curve import GAMMA, KNEE, Light
from restore.tensors import to_float, to_uint8
from tests.propagation.footage import texture


def clip() -> torch.Tensor:
    return to_float(texture(40, 56, 1)[None])


def test_full_light_and_no_noise_are_the_identity() -> None:
    clean = clip()
    assert torch.equal(dimmed(clean, 1.0), clean)
    assert torch.equal(few_photons(clean, 0.0, generator=torch.Generator()), clean)


def test_less_light_is_darker_and_keeps_the_order_of_levels() -> None:
    clean = clip()
    dark, darker = dimmed(clean, 0.4), dimmed(clean, 0.1)
    assert (darker <= dark).all() and (dark <= clean + 1e-5).all() and darker.min() >= -1
    order = clean.flatten().argsort()
    assert (dark.flatten()[order].diff() >= -1e-5).all()


def test_noise_is_seeded_and_relative_to_the_signal_strongest_in_the_dark() -> None:
    levels = torch.stack([torch.full((3, 64, 64), level) for level in (-0.8, 0.0, 0.8)])
    once, again = (few_photons(levels, 2e-4, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once, again) and once.min() >= -1 and once.max() <= 1
    dark, middle, bright = (once - levels).flatten(1).std(1).tolist()
    assert dark > middle > 0.5 * bright > 0


def test_the_light_given_again_is_that_of_the_tone_curve_and_undoes_the_dark_below_its_knee() -> None:
    clean = clip()
    again = lightened(dimmed(clean, 0.1), 10.0)
    below = ((clean + 1) / 2) ** GAMMA < KNEE
    assert torch.allclose(again[below], clean[below], atol=1e-3) and (again <= clean + 1e-3).all()
    lit = np.stack([Light(10.0).applied(image) for image in to_uint8(dimmed(clean, 0.1))])
    ours = to_uint8(lightened(to_float(to_uint8(dimmed(clean, 0.1))), 10.0))
    assert np.abs(lit.astype(int) - ours).max() <= 1
    assert torch.equal(lightened(clean, 1.0), clean)
