"""A network written in ncnn's format, by pnnx."""

import subprocess
import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from restore.engines.ncnn_network import BIN, PARAM
from restore.models.padded import PaddedNetwork

MINUTES = 5  # that pnnx may take; it takes seconds


def export(network: PaddedNetwork, folder: Path) -> None:
    """Write `PARAM` and `BIN` of the network, float32, for pictures of any size, into a folder that exists.

    Raises:
        RuntimeError: pnnx cannot.
    """
    import pnnx

    examples = network.examples()
    shapes = ",".join(f"[{','.join(map(str, example.shape))}]f32" for example in examples)
    with tempfile.TemporaryDirectory(dir=folder) as work, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing is deprecated, and what pnnx reads
        torch.jit.trace(_Whole(network), examples, check_trace=False).save(f"{work}/network.pt")
        command = [pnnx.EXEC_PATH, "network.pt", f"inputshape={shapes}", "fp16=0"]
        try:
            ended = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=60 * MINUTES)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"pnnx was not done after {MINUTES} minutes") from error
        param, binary = Path(work, "network.ncnn.param"), Path(work, "network.ncnn.bin")
        if ended.returncode or not (param.exists() and binary.exists()):
            raise RuntimeError(f"pnnx failed with {ended.returncode}: {(ended.stderr or ended.stdout)[-200:].strip()}")
        param.replace(folder / PARAM)
        binary.replace(folder / BIN)


class _Whole(nn.Module):
    """What is traced: `whole` alone."""

    def __init__(self, network: PaddedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network.whole(*inputs)
