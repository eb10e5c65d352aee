"""An exponential moving average of a model's weights: what is validated and written."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Torch's `AveragedModel` with a warm-up: after n updates the old average weighs min(decay, (1 + n) / (10 + n)), so
    that a short training is not held back by its first weights. Call `update_parameters(model)` after each step.
    """

    def average(mean: Tensor, value: Tensor, updates: Tensor | int) -> Tensor:
        if not mean.is_floating_point():  # batch norm's count of its batches
            return value
        old_weight = min(decay, (1 + int(updates)) / (10 + int(updates)))
        return torch.lerp(mean, value, 1 - old_weight)

    ema = AveragedModel(model, avg_fn=average, use_buffers=True)
    return ema.eval().requires_grad_(False)
