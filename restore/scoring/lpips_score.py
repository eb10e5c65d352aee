"""Learned perceptual distance (LPIPS, Zhang et al., 2018), AlexNet version 0.1; lower is better.

The `lpips` package carries the linear heads and downloads the backbone, of which it throws most away. What it keeps,
the five convolutions, comes with this package: `benchmarks/alexnet.py` says from where.
"""

import functools
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from restore.errors import WeightsError
from restore.tensors import to_float

FEATURES = Path(__file__).parents[2] / "saved_models" / "alexnet.safetensors"
CONVOLUTIONS = ("slice1.0", "slice2.3", "slice3.6", "slice4.8", "slice5.10")  # of the package's AlexNet
SMALLEST = 32  # pixels; below, a layer of AlexNet has no output


@functools.cache
def load_lpips(device: str = "cpu") -> Callable[[np.ndarray, np.ndarray], float | None]:
    """The score as a function of two pictures uint8 `H W 3`, RGB in [0, 255].

    The function gives None for pictures of fewer than 32 pixels on a side.

    Raises:
        WeightsError: AlexNet's features, which come with this package, are missing or broken.
    """
    import lpips  # imports all of torchvision's models, which nothing else here needs

    with warnings.catch_warnings():  # it calls torchvision in an old way
        warnings.filterwarnings("ignore", message="The parameter 'pretrained' is deprecated")
        warnings.filterwarnings("ignore", message="Arguments other than a weight enum")
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    try:
        network.net.load_state_dict({name: value.float() for name, value in load_file(FEATURES).items()})
    except (OSError, SafetensorError, RuntimeError) as error:  # RuntimeError: other weights
        raise WeightsError(
            f"LPIPS has no features to compare; get this file again with the project: {FEATURES}"
        ) from error
    network.to(device)

    @torch.inference_mode()
    def score(restored: np.ndarray, original: np.ndarray) -> float | None:
        if min(original.shape[:2]) < SMALLEST:
            return None
        a, b = (to_float(picture)[None].to(device) for picture in (restored, original))  # 1 C H W in [-1, 1]
        return float(network(a, b))

    return score
