import numpy as np
import pytest
import torch
from skimage import data

from restore.degradations.blur import defocus
from restore.models.averaging import STRONG, WEAK, averaged, joined, sharp, sharpening
from restore.models.degradation import noise_level
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK
from restore.propagation.memory import AVERAGED

SCENE = torch.from_numpy(np.ascontiguousarray(data.astronaut()[:128, 100:260])).permute(2, 0, 1)[None] / 127.5 - 1


def noisy(sigma: float, others: int = 10) -> torch.Tensor:
    """Evidence of `SCENE` with white noise, of which so many other frames saw the same, each with noise of its own."""
    generator = torch.Generator().manual_seed(0)
    frames = SCENE + sigma / 127.5 * torch.randn(1 + others, 3, *SCENE.shape[-2:], generator=generator)
    evidence = torch.zeros(1, 23, *SCENE.shape[-2:])
    evidence[:, FRAME], evidence[:, BASE] = frames[:1], frames.mean(0, keepdim=True)
    evidence[:, COUNTS[0]] = others / AVERAGED
    return evidence


def error(picture: torch.Tensor, where: tuple[slice, slice] = np.s_[:, :]) -> float:
    """Root of the mean squared error, in levels."""
    return float((127.5 * (picture - SCENE)[..., *where]).square().mean().sqrt())


@pytest.mark.parametrize(("sigma", "least", "mean"), [(3.0, 0.5, 0.85), (5.0, 0.5, 0.85), (15.0, 0.15, 0.4)])
def test_what_other_frames_saw_takes_most_of_the_noise(sigma: float, least: float, mean: float) -> None:
    evidence = noisy(sigma)
    picture, share = averaged(evidence, noise_level(evidence))
    assert error(evidence[:, FRAME]) == pytest.approx(sigma, rel=0.02)
    assert error(picture) < 0.4 * sigma and share.min() > least and share.mean() > mean


def test_what_is_of_something_else_is_left_alone() -> None:
    evidence, part = noisy(4.0), np.s_[40:60, 40:60]
    noise = noise_level(evidence)
    evidence[:, BASE, *part] += 40 / 127.5
    picture, _ = averaged(evidence, noise)
    frame = evidence[:, FRAME]
    assert (picture - frame)[..., *part].abs().max() * 127.5 < 1
    assert error(picture, part) == pytest.approx(error(frame, part), rel=0.05)


def test_a_slight_misplacement_is_averaged_less() -> None:
    evidence = noisy(4.0)
    noise = noise_level(evidence)
    _, share = averaged(evidence, noise)
    evidence[:, BASE] += 8 / 127.5
    picture, less = averaged(evidence, noise)
    assert error(picture) < error(evidence[:, BASE]) and less.mean() < share.mean() - 0.1


def test_there_is_nothing_to_average_where_no_other_frame_saw_it_or_it_is_hidden() -> None:
    evidence = noisy(4.0)
    noise = noise_level(evidence)
    evidence[:, COUNTS, :20] = 0
    evidence[:, MASK, 30:40] = 1
    _, share = averaged(evidence, noise)
    assert not share[:, :, :20].any() and not share[:, :, 30:40].any() and share[:, :, 50:].min() > 0.5


def test_very_strong_noise_is_the_networks() -> None:
    evidence = noisy(15.0)
    of_weak, half, of_strong = (averaged(evidence, torch.full((1, 1, 1, 1), floor))[1] for floor in (WEAK, 12, STRONG))
    assert of_weak.min() > 0.1 and not of_strong.any()
    assert 0.3 < float(half.mean() / of_weak.mean()) < 0.6


def test_no_more_is_joined_than_the_average_counts() -> None:
    evidence = noisy(5.0)
    noise, gate = noise_level(evidence), torch.full_like(evidence[:, MASK], 0.25)
    average, share = averaged(evidence, noise)
    for counts in (0.0, 0.5, 1.0):
        restored, changed = joined(evidence, evidence[:, FRAME], gate, noise, torch.full((1, 1, 1, 1), counts))
        wanted = evidence[:, FRAME] + counts * share * (average - evidence[:, FRAME])
        assert torch.allclose(restored, wanted, atol=1e-6) and torch.equal(changed, torch.maximum(gate, counts * share))


def of(network: torch.Tensor, base: torch.Tensor, hidden: torch.Tensor | None = None) -> float:
    grey, hidden = (x.mean(1, keepdim=True) for x in (network, base)), base[:, :1] * 0 if hidden is None else hidden
    network, base = grey
    return float(sharp(sharpening(base, network, hidden)))


def test_a_scene_that_a_network_sharpens_is_not_averaged() -> None:
    blurred = defocus(SCENE[None], torch.tensor([1.4]))[0]
    noise = 8 / 127.5 * torch.randn(SCENE.shape, generator=torch.Generator().manual_seed(0))
    assert of(SCENE, blurred) == of(SCENE, blurred + noise) == 0  # it sharpens
    assert of(SCENE, SCENE) == of(SCENE, SCENE + noise) == of(blurred, SCENE) == 1  # denoises, or smooths
    assert of(SCENE, SCENE + 0.1) == 1  # or makes darker
    assert 0 < of(SCENE, SCENE + 0.55 * (blurred - SCENE)) < 1
    flat = torch.zeros_like(SCENE)
    assert of(flat, flat) == 1


def test_what_is_hidden_does_not_tell_how_blurred_a_scene_is() -> None:
    blurred, hidden = defocus(SCENE[None], torch.tensor([1.4]))[0], torch.zeros_like(SCENE[:, :1])
    hidden[..., 40:120, :] = 1
    half = torch.where(hidden > 0, blurred, SCENE)
    assert of(SCENE, half, hidden) == 1 and of(SCENE, half) < 1 and of(SCENE, half, 1 - hidden) == 0


def test_each_frame_of_a_batch_is_told_for_itself() -> None:
    blurred = defocus(SCENE[None], torch.tensor([1.4]))[0]
    grey, hidden = SCENE.mean(1, keepdim=True), torch.zeros(2, 1, *SCENE.shape[-2:])
    both = sharp(sharpening(torch.cat([blurred.mean(1, keepdim=True), grey]), torch.cat([grey, grey]), hidden))
    assert both.flatten().tolist() == [0, 1]
