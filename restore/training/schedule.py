"""The learning rate: falls from its full value to zero along half a cosine (Loshchilov & Hutter 2017)."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def cosine(optimizer: Optimizer, updates: int) -> LambdaLR:
    """Call `step()` after each weight update; zero after `updates` of them.

    A function of the update's number alone, so that a run resumed with more epochs follows the longer curve at once.
    """
    return LambdaLR(optimizer, lambda done: 0.5 * (1 + math.cos(math.pi * min(1.0, done / max(1, updates)))))
