import math

import pytest
import torch
from torch import Tensor

from restore.errors import RestoreError
from restore.training.losses import (
    check_finite,
    diffusion_loss,
    discriminator_loss,
    generator_adversarial_loss,
    gradient_loss,
    kind_dice_loss,
    kind_loss,
    level_loss,
    mask_loss,
    moment_loss,
    reconstruction_loss,
    slight_weights,
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


def test_the_level_loss_is_zero_for_the_true_error_and_counts_octaves_of_what_is_visible() -> None:
    clean = torch.zeros(2, 3, 24, 24)
    frame = clean + 7.75 / 127.5  # wrong by 7.75 levels: log2(7.75 + 0.25) = 3
    hidden = torch.zeros(2, 1, 24, 24, dtype=torch.bool)
    estimated = torch.full((2, 1, 24, 24), 3.0)
    assert level_loss(estimated, frame, clean, hidden).item() == pytest.approx(0, abs=1e-5)
    assert level_loss(estimated - 2, frame, clean, hidden).item() == pytest.approx(2, abs=1e-5)
    assert level_loss(estimated, clean, clean, hidden).item() == pytest.approx(5)  # nothing wrong at all: -2
    hidden[:, :, 12:] = True
    assert level_loss(estimated - 2, frame, clean, hidden).item() == pytest.approx(1, abs=1e-5)


def test_the_level_loss_is_of_the_error_around_a_pixel() -> None:
    clean, hidden = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    frame = clean.clone()
    frame[..., 16, 16] = 1
    estimated = torch.full((1, 1, 32, 32), -2.0)
    estimated[..., 12:21, 12:21] = math.log2(127.5 / 9 + 0.25)
    assert level_loss(estimated, frame, clean, hidden).item() == pytest.approx(0, abs=1e-5)


def test_the_gradient_loss_sees_edges_and_not_levels() -> None:
    clean = torch.zeros(1, 1, 4, 4)
    assert gradient_loss(clean + 0.3, clean).item() == 0
    edge = clean.clone()
    edge[..., 2:] = 1  # one step of 1 in each row, among 3 pairs of neighbours
    assert gradient_loss(edge, clean).item() == pytest.approx(1 / 3)
    assert gradient_loss(edge.mT, clean).item() == pytest.approx(1 / 3)


def test_the_moment_loss_is_none_for_white_channels_alone() -> None:
    white = torch.randn(64, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    assert moment_loss(white, spread=1).item() == pytest.approx(0, abs=1e-4)
    assert moment_loss(white / 4, spread=0.25).item() == pytest.approx(0, abs=1e-4)
    shifted, scaled = white.clone(), white.clone()
    shifted[:, 0] += 2
    scaled[:, 1] *= 3
    assert moment_loss(shifted, spread=1).item() == pytest.approx(2**2 / 2, rel=0.03)
    assert moment_loss(scaled, spread=1).item() == pytest.approx((3 - 1) ** 2 / 2, rel=0.03)


def test_the_diffusion_loss_weighs_by_signal_to_noise_and_by_what_is_hidden() -> None:
    wanted = torch.zeros(1, 2, 3, 4, 4)
    hidden = torch.zeros(1, 2, 1, 4, 4)
    hidden[..., :2] = 1

    def loss(error: Tensor, alpha: float) -> float:
        return diffusion_loss(wanted + error, wanted, hidden, torch.tensor([alpha]), gamma=5.0).item()

    everywhere = torch.ones_like(wanted)
    assert loss(2 * everywhere, 0.5) == pytest.approx(4)  # one timestep alone: weights cancel out
    assert loss(everywhere * hidden, 0.5) == pytest.approx(1)
    assert loss(everywhere * (1 - hidden), 0.5) == 0
    assert diffusion_loss(everywhere, wanted, 0 * hidden, torch.tensor([0.5]), gamma=5.0).item() == 0
    # Among timesteps: min(snr, 5) / (snr + 1), at least 0.1.
    alphas = torch.tensor([0.0, 0.5, 0.95])  # snr 0, 1, 19
    errors = torch.tensor([3.0, 0.0, 0.0]).view(3, 1, 1, 1, 1).expand(3, 1, 1, 2, 2)
    weights = [0.1, 0.5, 5 / 20]
    got = diffusion_loss(errors, torch.zeros_like(errors), torch.ones(3, 1, 1, 2, 2), alphas, gamma=5.0).item()
    assert got == pytest.approx(9 * weights[0] / sum(weights))


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


def test_kinds_count_only_where_something_is_hidden() -> None:
    kinds, mask = torch.tensor([[[0, 2]]]), torch.tensor([[[[1.0, 0.0]]]])
    logits = torch.zeros(1, 3, 1, 2)
    assert kind_loss(logits, kinds, mask).item() == pytest.approx(math.log(3))
    sure = logits.clone()
    sure[0, 0, 0, 0] = 20
    assert kind_loss(sure, kinds, mask).item() < 1e-6
    assert kind_loss(sure, kinds, torch.zeros_like(mask)).item() == 0


def test_in_the_dice_loss_a_thin_kind_counts_as_much_as_a_wide_one() -> None:
    mask, kinds = torch.zeros(1, 1, 40, 40), torch.zeros(1, 40, 40, dtype=torch.long)
    mask[..., :30] = 1
    kinds[..., 25:30] = 2
    perfect = torch.full((1, 4, 40, 40), -20.0)
    perfect[:, 0] = torch.where(mask[:, 0] > 0, 20.0, -20.0)
    for kind in (0, 2):
        perfect[:, 1 + kind][kinds == kind] = 20.0
    assert kind_dice_loss(perfect, kinds, mask).item() == pytest.approx(0, abs=1e-3)

    def blind_to(kind: int) -> float:
        logits = perfect.clone()
        logits[:, 0][kinds == kind] = -20.0
        return kind_dice_loss(logits, kinds, mask).item()

    assert blind_to(0) == pytest.approx(0.5 * 1000 / 1050, abs=1e-3)  # 1000 px of it and 50 to begin with
    assert blind_to(2) == pytest.approx(0.5 * 200 / 250, abs=1e-3)
    called_another = perfect.clone()
    called_another[:, 1:] = perfect[:, 1:].flip(1)  # one kind for the other
    assert kind_dice_loss(called_another, kinds, mask).item() > 0.8
    assert kind_dice_loss(perfect, kinds, torch.zeros_like(mask)).item() == 0


def test_pictures_with_little_to_mend_weigh_more() -> None:
    clean = torch.zeros(3, 3, 4, 4)
    frame = torch.tensor([0.0, 0.1, 1.0])[:, None, None, None].expand(3, 3, 4, 4)
    nowhere, everywhere = torch.zeros(3, 1, 4, 4, dtype=torch.bool), torch.ones(3, 1, 4, 4, dtype=torch.bool)
    weights = slight_weights(frame, clean, nowhere, clean)
    assert weights[0] > weights[1] > weights[2] > 0
    assert torch.equal(slight_weights(frame, clean, everywhere, clean), weights[:1].expand(3))  # the base is right
    losses = [reconstruction_loss(frame[n : n + 1], clean[n : n + 1]) for n in range(3)]
    wanted = sum(loss * weight for loss, weight in zip(losses, weights, strict=True)) / 3
    assert torch.allclose(reconstruction_loss(frame, clean, weights), wanted)
