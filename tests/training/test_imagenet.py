from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore.errors import WeightsError
from restore.models.efficientnet import EfficientNetLite
from restore.models.segmenter import Segmenter
from restore.models.weights import save_models
from restore.training.imagenet import EPSILON, load_imagenet


def published(model: EfficientNetLite) -> dict[str, Tensor]:
    """Weights as others publish them: convolutions without a bias, batch normalisations that saw something."""
    torch.manual_seed(0)
    content: dict[str, Tensor] = {}

    def add(part: nn.Module, convolution: str, normalisation: str) -> None:
        weight = part.weight.detach()  # type: ignore[union-attr, operator]
        content[f"{convolution}.weight"] = torch.randn_like(weight) / weight[0].numel() ** 0.5
        for name, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
            content[f"{normalisation}.{name}"] = low + torch.rand(len(weight))
        content[f"{normalisation}.num_batches_tracked"] = torch.tensor(1)

    add(model.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(model.blocks):
        if block.expand is not None:
            add(block.expand, f"_blocks.{index}._expand_conv", f"_blocks.{index}._bn0")  # type: ignore[arg-type]
        add(block.depthwise, f"_blocks.{index}._depthwise_conv", f"_blocks.{index}._bn1")  # type: ignore[arg-type]
        add(block.project, f"_blocks.{index}._project_conv", f"_blocks.{index}._bn2")  # type: ignore[arg-type]
    content["_fc.bias"] = torch.zeros(1000)  # more than is wanted
    return content


def normalised(x: Tensor, content: dict[str, Tensor], convolution: str, normalisation: str, **kwargs: int) -> Tensor:
    x = F.conv2d(x, content[f"{convolution}.weight"], **kwargs)
    mean, variance, weight, bias = (
        content[f"{normalisation}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(x, mean, variance, weight, bias, eps=EPSILON)


def test_the_network_computes_what_the_published_one_does(tmp_path: Path) -> None:
    model = EfficientNetLite()
    content = published(model)
    torch.save(content, tmp_path / "lite0.pth")
    load_imagenet(model, tmp_path / "lite0.pth")
    x = torch.rand(1, 3, 32, 32)
    stem = F.relu6(normalised(F.pad(x, (0, 1, 0, 1)), content, "_conv_stem", "_bn0", stride=2))
    inside = F.relu6(
        normalised(stem, content, "_blocks.0._depthwise_conv", "_blocks.0._bn1", padding=1, groups=stem.shape[1])
    )
    wanted = normalised(inside, content, "_blocks.0._project_conv", "_blocks.0._bn2")
    with torch.no_grad():
        torch.testing.assert_close(model(x)[0], wanted, atol=1e-4, rtol=1e-4)
    last = torch.cat([part.flatten() for part in model.blocks[10].parameters()])
    assert last.std() > 0 and torch.isfinite(last).all()

    x = torch.rand(1, 112, 8, 8)
    inside = F.relu6(normalised(x, content, "_blocks.10._expand_conv", "_blocks.10._bn0"))
    inside = F.relu6(
        normalised(inside, content, "_blocks.10._depthwise_conv", "_blocks.10._bn1", padding=2, groups=inside.shape[1])
    )
    wanted = x + normalised(inside, content, "_blocks.10._project_conv", "_blocks.10._bn2")
    with torch.no_grad():
        torch.testing.assert_close(model.blocks[10](x), wanted, atol=1e-4, rtol=1e-4)


def test_a_segmenter_hands_on_what_it_knows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    segmenter, model = Segmenter(), EfficientNetLite()
    save_models(tmp_path / "segmenter.pth", {"segmenter": (segmenter, {})}, half=False)
    load_imagenet(model, tmp_path / "segmenter.pth")
    known = segmenter.efficientnet.state_dict()
    assert all(torch.equal(weight, known[name]) for name, weight in model.state_dict().items())


def test_other_weights_are_refused(tmp_path: Path) -> None:
    model = EfficientNetLite()
    content = published(model)
    del content["_blocks.3._bn1.weight"]
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError) as error:
        load_imagenet(model, path)
    assert str(error.value) == (
        f"expected the weights of EfficientNet-Lite0, has no fitting '_blocks.3._bn1.weight': {path}"
    )
