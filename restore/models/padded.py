"""Networks that compute at whole multiples of pixels: other sizes are padded before, and cropped after."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from restore.tensors import pad_to_multiple


class Engine(Protocol):
    """What computes `PaddedNetwork.whole` in place of PyTorch: see `restore/engines`."""

    def takes(self, picture: Tensor) -> bool:
        """Whether it should compute pictures `B C H W` of this size."""

    def __call__(self, *inputs: Tensor) -> Tensor: ...


class PaddedNetwork(nn.Module):
    """`B C H W` => `B out H W`, any H and W.

    Attributes:
        multiple: H and W of what `whole` computes are multiples of it.
        engine: what computes `whole` on a CPU, for the sizes that it takes. None for PyTorch.
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
        compute = self.engine if self.engine and self.engine.takes(x) else self.whole
        return compute(x, *features)[..., :height, :width]


def zeros(channels: int, side: int) -> Tensor:
    """`1 C side side`."""
    return torch.zeros(1, channels, side, side)
