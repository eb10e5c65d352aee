import numpy as np
import pytest
import torch
from skimage import data

from restore.models.averaging import STRONG, WEAK, averaged
from restore.models.degradation import noise_floor
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


@pytest.mark.parametrize("sigma", [3.0, 5.0])
def test_what_other_frames_saw_takes_most_of_the_noise(sigma: float) -> None:
    evidence = noisy(sigma)
    picture, share = averaged(evidence, noise_floor(evidence))
    assert error(evidence[:, FRAME]) == pytest.approx(sigma, rel=0.02)
    assert error(picture) < 0.4 * sigma and share.min() > 0.5 and share.mean() > 0.85


def test_what_is_of_something_else_is_left_alone() -> None:
    evidence, part = noisy(4.0), np.s_[40:60, 40:60]
    noise = noise_floor(evidence)
    evidence[:, BASE, *part] += 40 / 127.5
    picture, _ = averaged(evidence, noise)
    frame = evidence[:, FRAME]
    assert (picture - frame)[..., *part].abs().max() * 127.5 < 1
    assert error(picture, part) == pytest.approx(error(frame, part), rel=0.05)


def test_a_slight_misplacement_is_averaged_less() -> None:
    evidence = noisy(4.0)
    noise = noise_floor(evidence)
    _, share = averaged(evidence, noise)
    evidence[:, BASE] += 8 / 127.5
    picture, less = averaged(evidence, noise)
    assert error(picture) < error(evidence[:, BASE]) and less.mean() < share.mean() - 0.1


def test_there_is_nothing_to_average_where_no_other_frame_saw_it_or_it_is_hidden() -> None:
    evidence = noisy(4.0)
    noise = noise_floor(evidence)
    evidence[:, COUNTS, :20] = 0
    evidence[:, MASK, 30:40] = 1
    _, share = averaged(evidence, noise)
    assert not share[:, :, :20].any() and not share[:, :, 30:40].any() and share[:, :, 50:].min() > 0.5


def test_strong_noise_is_the_networks() -> None:
    evidence = noisy(5.0)
    (of_weak, half, of_strong) = (averaged(evidence, torch.full((1, 1, 1, 1), floor))[1] for floor in (WEAK, 7, STRONG))
    assert of_weak.min() > 0.3 and not of_strong.any()
    assert 0.3 < float(half.mean() / of_weak.mean()) < 0.6
