import pytest
import torch

from restore.models.degradation import (
    FLOOR,
    LOG_SCALE,
    log_level,
    noise_level,
    noisy,
    noisy_frame,
    spectrum,
    statistics,
)
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK


def levels_of(logarithm: torch.Tensor) -> torch.Tensor:
    """The inverse of `log_level`, at least 0."""
    return (logarithm.exp2() - FLOOR).clamp(min=0)


def evidence(height: int = 64, width: int = 80) -> torch.Tensor:
    """One picture, the same in all channels; nothing is hidden."""
    stack = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)).repeat(1, 23, 1, 1) - 0.5
    stack[:, MASK] = 0
    return stack


def test_levels_come_back() -> None:
    levels = torch.tensor([0.0, 0.1, 1.0, 30.0])
    assert torch.allclose(levels_of(log_level(levels)), levels, atol=1e-5)
    assert levels_of(torch.tensor(-9.0)) == 0


def test_no_difference_is_nothing_and_a_difference_is_its_mean() -> None:
    stack = evidence()
    measured = statistics(stack, (64, 80))
    assert measured.shape == (1, 8, 64, 80)
    assert torch.allclose(measured[:, [0, 3]], torch.tensor(-2.0 / LOG_SCALE), atol=1e-4)
    assert torch.allclose(measured[:, [1, 4]], measured[:, [2, 5]], atol=1e-4)  # as sharp as each other
    stack[:, FRAME] += 4 / 127.5
    assert torch.allclose(levels_of(LOG_SCALE * statistics(stack, (8, 10))[:, [0, 3]]), torch.tensor(4.0), atol=1e-2)


def test_sharpness_is_measured_of_frame_and_of_base() -> None:
    stack = evidence()
    stack[:, BASE] *= 0.25
    of_frame, of_base = levels_of(LOG_SCALE * statistics(stack, (8, 10))[0, [4, 5]]).mean((1, 2))
    assert of_base.item() == pytest.approx(of_frame.item() / 4, rel=0.02)


def test_hidden_pixels_do_not_count() -> None:
    stack = evidence()
    stack[:, FRAME, :, 20:50] = 1
    stack[:, MASK, :, 19:51] = 1
    measured = levels_of(LOG_SCALE * statistics(stack, (64, 80)))
    assert measured[:, [0, 3]].max() < 0.01
    stack[:, MASK] = 1  # nothing is seen at all
    assert torch.isfinite(statistics(stack, (64, 80))).all()


def noisy_picture(sigma: float) -> torch.Tensor:
    """Texture with a smooth stripe, one that is burnt out and one that is dark, and noise over all."""
    generator = torch.Generator().manual_seed(1)
    stack = torch.zeros(1, 23, 64, 128)
    picture = torch.rand(1, 3, 64, 128, generator=generator) - 0.5
    picture[..., :24], picture[..., 24:40], picture[..., 40:56] = 0.1, 1.0, -1.0
    noise = sigma / 127.5 * torch.randn(1, 3, 64, 128, generator=generator)
    stack[:, FRAME] = (picture + noise).clamp(-1, 1)
    stack[:, BASE] = picture
    return stack


def test_the_smoothest_cells_tell_the_noise_of_the_whole_frame() -> None:
    levels = []
    for sigma in (0.0, 5.0, 10.0):
        measured = levels_of(LOG_SCALE * statistics(noisy_picture(sigma), (8, 16)))[0, 6:]
        assert (measured == measured[:, :1, :1]).all()
        levels.append(measured[:, 0, 0])
    assert levels[0].max() < 0.01
    assert torch.allclose(levels[2] / levels[1], torch.tensor(2.0), rtol=0.1)
    assert levels[1][0].item() == pytest.approx(5 * (2 / torch.pi) ** 0.5, rel=0.15)  # mean |normal|, of three channels


def test_cells_that_are_hidden_burnt_out_or_dark_tell_nothing_of_noise() -> None:
    stack = noisy_picture(10.0)
    stack[:, MASK, :, :24] = 1
    textured = levels_of(LOG_SCALE * statistics(stack, (8, 16)))[0, 7, 0, 0]
    assert textured > 50  # nothing is smooth but what does not count
    stack[:, MASK] = 1
    assert torch.isfinite(statistics(stack, (8, 16))).all()


def differing(sigma: float, blurred: bool = False) -> torch.Tensor:
    """A frame that differs from its base by white noise, or by blotches as strong."""
    stack = torch.zeros(1, 23, 96, 128)
    difference = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    if blurred:
        difference = difference[..., ::2].repeat_interleave(2, -1)
    stack[:, FRAME], stack[:, COUNTS] = sigma / 127.5 * difference, 1
    return stack


@pytest.mark.parametrize(("sigma", "white", "blotches"), [(0.5, 0, 0), (1.5, 1, 0), (2.2, 1, 0), (6.0, 1, 1)])
def test_weak_differences_are_noise_where_they_are_white(sigma: float, white: float, blotches: float) -> None:
    levels = [noise_level(differing(sigma, blurred)) for blurred in (False, True)]
    assert [noisy(level).item() for level in levels] == [white, blotches]
    assert levels[0].item() == pytest.approx(white * 0.8 * sigma, rel=0.15)


def test_what_is_between_noise_and_none_counts_in_part() -> None:
    assert 0 < noisy(noise_level(differing(1.25))).item() < 1  # faint
    pairs = differing(1.0, blurred=True)
    # A sixth of the way between what may be texture and what may not.
    pairs[:, FRAME] = 2.3 / 127.5 * pairs[:, FRAME].sign()
    assert noise_level(pairs).item() == pytest.approx(2.3 / 6, rel=0.01)
    part = differing(1.6)
    part[:, FRAME] += 0.4 * (differing(1.6, blurred=True)[:, FRAME] - part[:, FRAME])
    assert 0 < noise_level(part).item() < 1.1


def test_what_motion_missed_is_no_noise_however_strong() -> None:
    levels = []
    for side in (2, 8):
        stack = differing(6.0)
        stack[:, FRAME] = stack[..., ::side][:, FRAME].repeat_interleave(side, -1)
        levels.append(noise_level(stack).item())
    assert levels[0] > 4 and levels[1] == 0


def test_noise_of_a_part_of_the_picture_that_nothing_is_known_of_does_not_count() -> None:
    stack = differing(1.5)
    stack[:, FRAME, :, 64:] = 1.2 / 127.5
    assert noise_level(stack).item() < 1
    stack[:, COUNTS, :, 64:] = 0
    assert noise_level(stack).item() > 1


@pytest.mark.parametrize("noise", [0.0, 0.4, 3.0])
def test_of_one_frame_noise_is_told_as_of_a_batch(noise: float) -> None:
    assert noisy_frame(noise) == noisy(torch.tensor(noise)).item()
    assert noisy_frame(float("nan")) == 0


@pytest.mark.parametrize("sigma", [0.0, 5.0])
def test_the_noise_level_is_that_of_cells_that_others_saw(sigma: float) -> None:
    stack = noisy_picture(sigma)
    stack[:, COUNTS] = 0.25
    noise = sigma * (2 / torch.pi) ** 0.5
    assert noise_level(stack).shape == (1, 1, 1, 1)
    assert noise_level(stack).item() == pytest.approx(noise, rel=0.15, abs=0.01)
    stack[:, BASE, :, :90] = stack[:, FRAME, :, :90]  # what no other frame saw is its own base
    assert noise_level(stack).item() < 0.01
    stack[:, COUNTS, :, :90] = 0
    assert noise_level(stack).item() == pytest.approx(noise, rel=0.2, abs=0.01)
    stack[:, COUNTS] = 0
    assert noise_level(stack).item() == 0
    stack[:, COUNTS], stack[:, MASK] = 1, 1
    assert noise_level(stack).item() == 0


def test_the_spectrum_is_that_of_the_base_against_that_of_a_natural_picture() -> None:
    stack = torch.zeros(1, 23, 256, 256)
    frequencies = torch.hypot(torch.fft.fftfreq(256)[:, None], torch.fft.rfftfreq(256)) * 32  # a ring each
    phases = 2 * torch.pi * torch.rand(256, 129, generator=torch.Generator().manual_seed(0))
    picture = torch.fft.irfft2(torch.polar(2048 * frequencies.clamp(min=0.1).reciprocal(), phases))
    stack[:, BASE] = picture / 127.5
    level = spectrum(stack)
    assert level.shape == (1, 16, 1, 1)
    assert level[:, 2:14].std() < 0.15  # power that falls with the square of the frequency
    stack[:, BASE] *= torch.tensor(2.0).exp()
    assert torch.allclose(spectrum(stack) - level, torch.tensor(4 / LOG_SCALE), atol=0.1)
    stack[:, MASK] = 1
    assert torch.equal(spectrum(stack), torch.zeros(1, 16, 1, 1))
