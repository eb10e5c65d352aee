import pytest
import torch

from restore.models.discriminator import PatchGAN


def pictures(count: int, size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    degraded, output = torch.rand(2, count, 3, size, size, generator=draw) * 2 - 1
    return degraded, output


@pytest.mark.parametrize(("size", "patches"), [(128, 14), (256, 30), (70, 6), (32, 2)])
def test_patches(size: int, patches: int) -> None:
    model = PatchGAN(width=8)
    assert model(*pictures(2, size)).shape == (2, 1, patches, patches)


def test_a_score_judges_a_patch_of_70_pixels() -> None:
    model = PatchGAN(width=4).double()
    # Instance norm looks at the whole picture; what is asked here is what the convolutions look at.
    model.layers = torch.nn.Sequential(
        *(layer for layer in model.layers if not isinstance(layer, torch.nn.InstanceNorm2d))
    )
    degraded, output = (x.double().requires_grad_() for x in pictures(1, 128))
    model(degraded, output)[0, 0, 7, 7].backward()
    for x in (degraded, output):
        assert x.grad is not None
        rows, columns = x.grad[0].abs().sum(0).nonzero(as_tuple=True)
        assert rows.max() - rows.min() + 1 == 70 and columns.max() - columns.min() + 1 == 70


def test_it_sees_input_and_output_in_this_order() -> None:
    model = PatchGAN(width=8)
    degraded, output = pictures(1, 64)
    assert not torch.allclose(model(degraded, output), model(output, degraded))


def test_a_score_does_not_depend_on_the_rest_of_the_batch() -> None:
    model = PatchGAN(width=8).train()
    degraded, output = pictures(3, 64)
    assert torch.allclose(model(degraded, output)[:1], model(degraded[:1], output[:1]), atol=1e-5)


def test_weights_start_as_in_the_paper() -> None:
    torch.manual_seed(0)
    weights = [m.weight for m in PatchGAN().modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(weights) == 5
    for weight in weights:
        assert weight.std().item() == pytest.approx(0.02, rel=0.1) and abs(weight.mean().item()) < 0.002
