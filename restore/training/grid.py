"""Pictures side by side, for tensorboard."""

import torch
from torch import Tensor
from torchvision.utils import make_grid

ROWS = 4  # at most


def grid(*columns: Tensor) -> Tensor:
    """Pictures `N 3 H W` in [-1, 1], a column each, of which at most four are taken => `3 h w` in [0, 1].

    >>> grid(torch.zeros(9, 3, 8, 6), torch.zeros(9, 3, 8, 6)).shape
    torch.Size([3, 42, 18])
    """
    rows = torch.stack([column[:ROWS] for column in columns], 1).flatten(0, 1)
    return make_grid(rows.float().cpu() / 2 + 0.5, nrow=len(columns)).clamp(0, 1)
