import math

import pytest
import torch
from torch import Tensor

from restore.errors import RestoreError
from restore.training.losses import (
    check_finite,
    discriminator_loss,
    generator_adversarial_loss,
    mask_loss,
    reconstruction_loss,
    squared_loss,
)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_reconstruction_is_the_mean_distance() -> None:
    restored, clean = torch.tensor([[0.5, -1.0, 0.0, 1.0]]), torch.tensor([[0.0, 1.0, 0.0, 0.5]])
    assert reconstruction_loss(restored, clean).item() == pytest.approx(3.0 / 4)


def test_the_squared_loss_is_least_at_the_mean_and_l1_at_the_median() -> None:
    possible = torch.tensor([-0.5, -0.5, 0.5, 0.5, 0.9])
    guesses = torch.linspace(-1, 1, 201)
    for loss, best in ((reconstruction_loss, possible.median()), (squared_loss, possible.mean())):
        losses = [loss(guess.expand(5), possible).item() for guess in guesses]
        assert guesses[losses.index(min(losses))].item() == pytest.approx(best.item(), abs=0.011)


@pytest.mark.parametrize("scores", [[0.0], [-3.0, 2.0], [9.0]])
def test_the_generator_wants_to_be_taken_for_real(scores: list[float]) -> None:
    wanted = sum(softplus(-score) for score in scores) / len(scores)
    assert generator_adversarial_loss(torch.tensor(scores)).item() == pytest.approx(wanted, rel=1e-5)


def test_the_discriminator_tells_clean_from_restored_at_half_weight() -> None:
    clean, restored = [2.0, -1.0], [0.5, -4.0]
    wanted = 0.5 * (sum(softplus(-s) for s in clean) / 2 + sum(softplus(s) for s in restored) / 2)
    assert discriminator_loss(torch.tensor(clean), torch.tensor(restored)).item() == pytest.approx(wanted, rel=1e-5)
    assert discriminator_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(math.log(2))
    assert discriminator_loss(torch.full((3,), 50.0), torch.full((3,), -50.0)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("logit", [-2.0, 0.0, 3.0])
def test_the_masks_loss_is_cross_entropy_and_dice(logit: float) -> None:
    mask = torch.zeros(2, 1, 4, 6)
    mask[:, :, :2] = 1  # half of 48 pixels
    probability = 1 / (1 + math.exp(-logit))
    entropy = 0.5 * softplus(-logit) + 0.5 * softplus(logit)
    dice = 1 - (2 * probability * 24 + 1) / (probability * 48 + 24 + 1)
    assert mask_loss(torch.full_like(mask, logit), mask).item() == pytest.approx(entropy + dice, rel=1e-5)


def test_the_masks_loss_is_zero_when_right_also_with_nothing_hidden() -> None:
    for share in (0.0, 0.3, 1.0):
        mask = (torch.arange(100).view(1, 1, 10, 10) < 100 * share).float()
        assert mask_loss(mask * 80 - 40, mask).item() == pytest.approx(0, abs=1e-4)
        assert mask_loss(40 - mask * 80, mask).item() > 30


@pytest.mark.parametrize("loss", [reconstruction_loss, squared_loss, discriminator_loss, mask_loss])
def test_losses_reach_their_input(loss) -> None:  # type: ignore[no-untyped-def]
    x = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss(x, torch.zeros(1, 1, 4, 4)).backward()
    assert x.grad is not None and x.grad.any()


def test_finite_terms_are_plain_numbers() -> None:
    term: Tensor = torch.tensor(0.5, requires_grad=True)
    assert check_finite(3, {"l1": term, "discriminator": torch.tensor(2.0)}) == {"l1": 0.5, "discriminator": 2.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_term_that_is_not_finite_stops_the_run(value: float) -> None:
    with pytest.raises(RestoreError) as caught:
        check_finite(1234, {"l1": torch.tensor(1.0), "adversarial": torch.tensor(value)})
    assert str(caught.value) == (
        f"the adversarial loss is {value} at step 1234; the last checkpoint is sound: lower --learning_rate or set "
        "--mixed_precision no, and run the same command to go on from it"
    )
    assert caught.value.exit_code == 1
