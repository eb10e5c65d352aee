"""A network that ncnn computes, with Winograd's convolutions."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# In a picture: Winograd's convolutions need several times the memory of PyTorch's.
MOST_PIXELS = 640 * 480
PARAM, BIN = "network.param", "network.bin"


class NcnnNetwork:
    """Takes the place of `PaddedNetwork.whole`, on a CPU, in float32, with the threads that PyTorch has when it is
    made.

    Args:
        folder: what `export.export` wrote.

    Raises:
        RuntimeError: ncnn cannot load that.
    """

    def __init__(self, folder: Path) -> None:
        import ncnn

        self._new_plane = ncnn.Mat
        self._net = ncnn.Net()
        self._net.opt.num_threads = torch.get_num_threads()  # for good: what is loaded is arranged for them
        for lossy in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
            setattr(self._net.opt, f"use_{lossy}", False)
        if self._net.load_param(str(folder / PARAM)) or self._net.load_model(str(folder / BIN)):
            raise RuntimeError(f"ncnn cannot load what was exported to {folder}")

    def takes(self, picture: Tensor) -> bool:
        """Pictures `B C H W` of up to `MOST_PIXELS`."""
        return picture.shape[-2] * picture.shape[-1] <= MOST_PIXELS

    def __call__(self, *inputs: Tensor) -> Tensor:
        return torch.stack([self._one(*pictures) for pictures in zip(*inputs, strict=True)])

    def _one(self, *pictures: Tensor) -> Tensor:
        planes = [picture.contiguous().numpy() for picture in pictures]  # held until ncnn has read them
        extractor = self._net.create_extractor()
        for number, plane in enumerate(planes):
            extractor.input(f"in{number}", self._new_plane(plane))
        status, result = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn failed with {status}")
        return torch.from_numpy(np.array(result))
