"""The losses of pix2pix (Isola et al. 2017), of the occlusion finder and of the refiner."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.errors import RestoreError
from restore.models.degradation import log_level
from restore.tensors import UNIT_LEVELS

FEW = 50  # px: what softens Dice of a kind, and how many of it are worth a gradient
TYPICAL_ERROR, SLIGHT_ERROR = 0.04, 0.012  # in [-1, 1]: what weighs about 1, and what is hardly worth a difference
SLIGHT = 0.01  # in [-1, 1]: a difference up to which Charbonnier's loss is squared
SLIGHT_LEVELS = 0.25  # levels; an error that is hardly worth a difference
AROUND = 9  # px; a side of what a frame's error is averaged over. The reach of a network, as `degradation.CELL`


def reconstruction_loss(restored: Tensor, clean: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean |restored - clean|, of pictures in [-1, 1]. Scalar.

    Args:
        weights: `B`, of each picture of a batch; all alike if None.
    """
    if weights is None:
        return F.l1_loss(restored, clean)
    return ((restored - clean).abs().mean((1, 2, 3)) * weights).mean()


def slight_weights(frame: Tensor, base: Tensor, hidden: Tensor, clean: Tensor) -> Tensor:
    """How much each picture counts, `B`: the more, the less there is to mend, by the root of it. A slight degradation
    has a slight loss, which that of a strong one would drown.

    Args:
        frame, base, clean: `B 3 H W` in [-1, 1]; the base counts where the frame is hidden.
        hidden: bool `B 1 H W`.
    """
    to_mend = (torch.where(hidden, base, frame) - clean).abs().mean((1, 2, 3))
    return (TYPICAL_ERROR / (to_mend + SLIGHT_ERROR)).sqrt()


def squared_loss(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean (restored - clean)^2, of pictures in [-1, 1]. Scalar.

    Where much is possible, as deep in a hole, L1 leads to the median of it and this to the mean, which PSNR rewards.
    """
    return F.mse_loss(restored, clean)


def charbonnier_loss(enlarged: Tensor, clean: Tensor) -> Tensor:
    """Mean of sqrt(d^2 + e^2) - e, d = enlarged - clean in [-1, 1] (Charbonnier et al. 1994): squared where a
    difference is slight, absolute where it is not. Scalar.
    """
    return ((enlarged - clean).square() + SLIGHT**2).sqrt().mean() - SLIGHT


def relative_loss(restored: Tensor, before: Tensor, clean: Tensor) -> Tensor:
    """How much of the error of what a network begins from is left, `B 3 H W` in [-1, 1]; the mean over the pictures, of
    which each counts alike, however noisy it was. The absolute error, rounded off below `SLIGHT_LEVELS`.
    """
    was = (before - clean).abs().mean((1, 2, 3))
    left = ((restored - clean).square() + (SLIGHT_LEVELS / UNIT_LEVELS) ** 2).sqrt().mean((1, 2, 3))
    return (left / (was + SLIGHT_LEVELS / UNIT_LEVELS)).mean()


def perceptual_loss(distance: nn.Module, restored: Tensor, clean: Tensor) -> Tensor:
    """Mean distance of pictures `B 3 H W` in [-1, 1] to a network, `scoring.perceptual.lpips_network`. Scalar."""
    distances: Tensor = distance(restored, clean)
    return distances.mean()


def level_loss(estimated: Tensor, frame: Tensor, clean: Tensor, hidden: Tensor) -> Tensor:
    """Mean difference of the estimated error of a frame and the true one, both as `log_level`, where the frame is
    visible. Scalar.

    Args:
        estimated: `B 1 H W`, see `models.generator.Estimate`.
        frame, clean: `B 3 H W` in [-1, 1].
        hidden: bool `B 1 H W`, what the generator takes for hidden.
    """
    squared = (frame - clean).square().mean(1, keepdim=True)
    around = F.avg_pool2d(F.pad(squared, (AROUND // 2,) * 4, mode="replicate"), AROUND, 1)
    true = log_level(around.sqrt() * UNIT_LEVELS)
    return ((estimated - true).abs() * ~hidden).mean()


def gradient_loss(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean difference of the gradients (of neighbouring pixels, `... H W`) of pictures in [-1, 1]. Scalar."""
    error = restored - clean
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def moment_loss(latents: Tensor, *, spread: float) -> Tensor:
    """How far each channel of latents `N C h w` is from mean 0 and deviation `spread`, in units of it: the noise that
    diffusion adds should drown none of them early. Scalar.
    """
    deviation, mean = torch.std_mean(latents / spread, dim=(0, 2, 3))
    return mean.square().mean() + (deviation - 1).square().mean()


def generator_adversarial_loss(scores_of_restored: Tensor) -> Tensor:
    """How far the discriminator (logits of any shape) is from taking the restored for real. Scalar."""
    return F.binary_cross_entropy_with_logits(scores_of_restored, torch.ones_like(scores_of_restored))


def discriminator_loss(scores_of_clean: Tensor, scores_of_restored: Tensor) -> Tensor:
    """How badly the discriminator tells clean from restored; halved, which slows it against the generator. Scalar."""
    real = F.binary_cross_entropy_with_logits(scores_of_clean, torch.ones_like(scores_of_clean))
    fake = F.binary_cross_entropy_with_logits(scores_of_restored, torch.zeros_like(scores_of_restored))
    return 0.5 * (real + fake)


def mask_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice of a predicted mask (logits) and the true one, both `B 1 H W`. Scalar.

    Cross-entropy makes the probabilities honest; without Dice, small masks would be outvoted.
    """
    probability = logits.sigmoid()
    overlap = 2 * (probability * mask).sum() + 1
    dice = 1 - overlap / (probability.sum() + mask.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, mask) + dice


def kind_loss(logits: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of kinds, logits `B K H W` against int64 `B H W`, where `mask`, `B 1 H W`, is 1. Scalar;
    0 where nothing is hidden.
    """
    each = F.cross_entropy(logits, kinds, reduction="none")
    return (each * mask[:, 0]).sum() / mask.sum().clamp(min=1)


def kind_dice_loss(logits: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
    """Soft Dice of what each kind hides, mean over the kinds that are there, so that thin scratches count as much as
    wide leaves. Scalar; 0 where nothing is hidden.

    Args:
        logits: `B 1+K H W`: that a pixel is hidden, then a softmax over the kinds.
        kinds: int64 `B H W`; only where `mask`, `B 1 H W`, is 1.
    """
    likely = logits[:, :1].sigmoid() * logits[:, 1:].softmax(1)
    true = F.one_hot(kinds, logits.shape[1] - 1).movedim(-1, 1) * mask
    area = true.sum((0, 2, 3))
    dice = 1 - (2 * (likely * true).sum((0, 2, 3)) + FEW) / (likely.sum((0, 2, 3)) + area + FEW)
    there = area > FEW
    return (dice * there).sum() / there.sum().clamp(min=1)


def diffusion_loss(
    predicted: Tensor, wanted: Tensor, hidden: Tensor, alphas_cumprod: Tensor, *, gamma: float
) -> Tensor:
    """Squared error of a predicted velocity with min-SNR weighting (Hang et al. 2023, for v-prediction). Scalar.

    Args:
        predicted, wanted: `B T C h w`.
        hidden: `B T 1 h w`, 1 where a cell counts, else 0: the sampler sets the known ones itself.
        alphas_cumprod: `B`, of each clip's timestep.
        gamma: signal-to-noise ratio from which easy timesteps count less.
    """
    snr = alphas_cumprod / (1 - alphas_cumprod)
    # Least 0.1: at zero terminal SNR the formula gives 0, and the first step from pure noise would never be learnt.
    weight = (snr.clamp(max=gamma) / (snr + 1)).clamp(min=0.1).view(-1, 1, 1, 1, 1)
    weight = weight * hidden
    return (weight * (predicted - wanted).square()).mean() / weight.mean().clamp(min=1e-6)


def check_finite(step: int, terms: dict[str, Tensor]) -> dict[str, float]:
    """The terms as plain numbers.

    Raises:
        RestoreError: one of them is not finite; training on would destroy the weights.
    """
    values = {name: float(term.detach()) for name, term in terms.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise RestoreError(
                f"the {name} loss is {value} at step {step}; the last checkpoint is sound: lower --learning_rate "
                "or set --mixed_precision no, and run the same command to go on from it"
            )
    return values
