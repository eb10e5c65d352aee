"""Distances of pictures as people see them, by what AlexNet makes of both; lower is better.

- LPIPS (Zhang et al. 2018, arXiv:1801.03924), AlexNet, version 0.1. The `lpips` package carries the linear heads and
  downloads the backbone, of which it throws most away. What it keeps, the five convolutions, comes with this package:
  `benchmarks/alexnet.py` says from where.
- DISTS (Ding et al. 2020, arXiv:2004.07728), which forgives texture that is drawn anew: eq. 7 with equal weights of all
  channels of a layer and of all layers, over AlexNet's features and the picture itself, where the paper has VGG16's and
  learned weights. So its values are not those of the paper.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from restore.errors import WeightsError
from restore.shipped import WEIGHTS
from restore.tensors import to_float

FEATURES = WEIGHTS / "alexnet.safetensors"
CONVOLUTIONS = ("slice1.0", "slice2.3", "slice3.6", "slice4.8", "slice5.10")  # of the package's AlexNet
SMALLEST = 32  # pixels; below, a layer of AlexNet has no output
STABLE = 1e-6  # c1 and c2 of DISTS' equations 5 and 6

Perceptual = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float] | None]


@functools.cache
def load_perceptual(device: str = "cpu") -> Perceptual:
    """A function of two pictures uint8 `H W 3`, RGB in [0, 255]: the distance around each pixel, float32 `H W`, whose
    mean is LPIPS, and DISTS; None for pictures of fewer than 32 pixels on a side.

    Raises:
        WeightsError: see `lpips_network`.
    """
    from lpips import normalize_tensor  # imports all of torchvision's models, which nothing else here needs

    network: Any = lpips_network().to(device)

    @torch.inference_mode()
    def compare(restored: np.ndarray, original: np.ndarray) -> tuple[np.ndarray, float] | None:
        if min(original.shape[:2]) < SMALLEST:
            return None
        pictures = [to_float(picture)[None].to(device) for picture in (restored, original)]  # 1 3 H W in [-1, 1]
        features = [network.net(network.scaling_layer(picture)) for picture in pictures]
        around = sum(
            _enlarged(head((normalize_tensor(own) - normalize_tensor(other)).square()), original.shape[:2])
            for own, other, head in zip(*features, network.lins, strict=True)
        )
        assert isinstance(around, Tensor)
        layers = [((pictures[0] + 1) / 2, (pictures[1] + 1) / 2), *zip(*features, strict=True)]
        return around[0, 0].cpu().numpy(), float(1 - torch.stack([_similar(*layer) for layer in layers]).mean())

    return compare


def lpips_network() -> nn.Module:
    """Two batches of pictures `B 3 H W` in [-1, 1] => LPIPS `B 1 1 1`; frozen, on the CPU.

    Raises:
        WeightsError: AlexNet's features, which come with this package, are missing or broken.
    """
    import lpips

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
    frozen: nn.Module = network.eval().requires_grad_(False)
    return frozen


def _enlarged(plane: Tensor, size: tuple[int, ...]) -> Tensor:
    """`1 1 h w` at the size of the picture, with the same mean."""
    large = F.interpolate(plane, size, mode="bilinear")
    return large * (plane.mean() / large.mean().clamp(min=1e-20))


def _similar(one: Tensor, other: Tensor) -> Tensor:
    """How alike texture and structure of features `1 C h w` are, at most 1: half of eq. 5 and half of eq. 6."""
    means = [x.mean((2, 3)) for x in (one, other)]
    parts = [x - mean[..., None, None] for x, mean in zip((one, other), means, strict=True)]
    variances = [part.square().mean((2, 3)) for part in parts]
    covariance = (parts[0] * parts[1]).mean((2, 3))
    texture = (2 * means[0] * means[1] + STABLE) / (means[0] ** 2 + means[1] ** 2 + STABLE)
    structure = (2 * covariance + STABLE) / (variances[0] + variances[1] + STABLE)
    return (texture.mean() + structure.mean()) / 2
