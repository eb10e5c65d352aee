"""Networks that compute at whole multiples of pixels: other sizes are padded before, and cropped after."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from restore.tensors import pad_to_multiple

Engine = Callable[..., Tensor]


class PaddedNetwork(nn.Module):
    """`B C H W` => `B out H W`, any H and W.

    Attributes:
        multiple: H and W of what `whole` computes are multiples of it.
        engine: what computes `whole` in place of PyTorch, on a CPU: see `restore/engines`. None for PyTorch.
    """

    multiple: int
    engine: Engine | None = None

    def whole(self, x: Tensor, *features: Tensor) -> Tensor:
        """The network itself, on a picture whose H and W are multiples of `multiple`, in the type of its weights."""
        raise NotImplementedError

    def examples(self) -> tuple[Tensor, ...]:
        """What `whole` takes, all zeros, of the smallest size at which its levels differ."""
        raise NotImplementedError

    def forward(self, x: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """`features`: what else the network takes; H and W are then multiples of `multiple`."""
        height, width = x.shape[-2:]
        x = pad_to_multiple(x.to(next(self.parameters()).dtype), self.multiple)
        result = (self.engine or self.whole)(x, *features)
        return result[..., :height, :width]


def zeros(channels: int, side: int) -> Tensor:
    """`1 C side side`."""
    return torch.zeros(1, channels, side, side)
