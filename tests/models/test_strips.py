import pytest
import torch
from torch import Tensor

from restore.models.strips import in_strips, strips
from restore.models.unet import UNet


def unet(unshuffle: int = 2, features: tuple[int, ...] = ()) -> UNet:
    """Three levels, with weights that make each pixel depend on all that it can reach."""
    torch.manual_seed(0)
    net = UNet(
        in_channels=3,
        out_channels=2,
        unshuffle=unshuffle,
        widths=(8, 12, 16),
        blocks=(1, 1, 1),
        decoder_blocks=(1, 2),
        feature_channels=features,
    )
    net.tail.reset_parameters()
    return net.eval()


@pytest.mark.parametrize("unshuffle", [2, 4])
@pytest.mark.parametrize("rows", [16, 48, 4096])
@torch.inference_mode()
def test_strips_are_what_the_whole_picture_is(unshuffle: int, rows: int) -> None:
    net, generator = unet(unshuffle, (5,)), torch.Generator().manual_seed(1)
    picture = torch.randn(1, 3, 160, 64, generator=generator)
    features = torch.randn(1, 5, 160 // unshuffle, 64 // unshuffle, generator=generator)

    def some(part: slice) -> tuple[Tensor, list[Tensor]]:
        return picture[:, :, part], [features[:, :, part.start // unshuffle : part.stop // unshuffle]]

    whole = net.whole(picture, features)
    parts = dict((part.start, strip) for part, strip in in_strips(net, some, 160, rows=rows))
    assert list(parts) == [part.start for part in strips(160, rows)]
    assert torch.allclose(torch.cat(list(parts.values()), 2), whole, atol=1e-5 * whole.abs().max().item(), rtol=0)


@torch.inference_mode()
def test_a_strip_reads_no_more_than_it_needs_around_it() -> None:
    net, asked = unet(), []

    def some(part: slice) -> tuple[Tensor, list[Tensor]]:
        asked.append(part.stop - part.start)
        return torch.zeros(1, 3, part.stop - part.start, 16), []

    list(in_strips(net, some, 320, rows=64))
    assert max(asked) == 64 + 2 * 16 and len(asked) == 2 * 5
