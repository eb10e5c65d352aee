import torch
import torch.nn.functional as F

from restore.models.efficientnet import CHANNELS, EfficientNetLite


def test_features_of_four_resolutions() -> None:
    features = EfficientNetLite()(torch.zeros(2, 3, 48, 64))
    assert [tuple(x.shape) for x in features] == [
        (2, channels, 48 // step, 64 // step) for channels, step in zip(CHANNELS, (2, 4, 8, 16), strict=True)
    ]


def test_a_feature_lies_over_what_it_is_of() -> None:
    """Where the picture changes, the features around that place change, and none far away."""
    torch.manual_seed(0)
    model, x = EfficientNetLite(), torch.rand(1, 3, 256, 256)
    changed = x.clone()
    changed[..., 128:136, 64:72] = -1
    with torch.no_grad():
        for before, after in zip(model(x), model(changed), strict=True):
            weight = F.interpolate((before - after).abs().sum(1, keepdim=True), (256, 256))[0, 0]
            rows, columns = (weight.sum(axis) / weight.sum() for axis in (1, 0))
            centre = [float((part * (torch.arange(256) + 0.5)).sum()) for part in (rows, columns)]
            assert abs(centre[0] - 132) < 12 and abs(centre[1] - 68) < 12
            assert not weight[:, 240:].any()
