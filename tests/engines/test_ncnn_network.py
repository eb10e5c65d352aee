from pathlib import Path

import pytest
import torch

from restore.engines.export import export
from restore.engines.ncnn_network import BIN, NcnnNetwork
from restore.models.padded import PaddedNetwork
from tests.engines.networks import network

pytest.importorskip("ncnn")
pytest.importorskip("pnnx")


@pytest.mark.parametrize("name", ["finder", "generator", "segmenter"])
def test_ncnn_computes_what_pytorch_does_at_any_size(name: str, tmp_path: Path) -> None:
    given = network(name)
    export(given, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.bin", "network.param"]
    engine = NcnnNetwork(tmp_path)
    for rows, columns, batch in ((1, 2, 1), (3, 2, 2), (4, 7, 3)):
        shapes = [(batch, x.shape[1], rows * x.shape[2] // 2, columns * x.shape[3] // 2) for x in given.examples()]
        inputs = [torch.randn(shape).contiguous(memory_format=torch.channels_last) for shape in shapes]
        with torch.no_grad():
            wanted = given.whole(*inputs)
        assert wanted.std() > 0.05
        assert torch.allclose(engine(*inputs), wanted, atol=1e-4 * wanted.abs().max().item())


def test_a_network_that_has_an_engine_asks_it_and_pads_and_crops_around_it(tmp_path: Path) -> None:
    given = network("finder")
    picture = torch.randn(2, 9, 17, 30)
    with torch.no_grad():
        wanted = given(picture)
        export(given, tmp_path)
        given.engine = NcnnNetwork(tmp_path)
        given.tail.weight.zero_()  # type: ignore[union-attr, operator]  # what PyTorch would compute with
        assert torch.allclose(given(picture), wanted, atol=1e-4)


def test_large_pictures_are_left_to_pytorch_which_needs_less_memory(tmp_path: Path) -> None:
    given = network("finder")
    export(given, tmp_path)
    engine = given.engine = NcnnNetwork(tmp_path)
    assert engine.takes(torch.empty(2, 9, 480, 640)) and not engine.takes(torch.empty(1, 9, 488, 640))
    with torch.no_grad():
        given.tail.weight.zero_()  # type: ignore[union-attr, operator]
        given.tail.bias.fill_(7)  # type: ignore[union-attr, operator]
        assert (given(torch.randn(1, 9, 488, 640)) == 7).all()


def test_what_was_not_exported_is_not_loaded(tmp_path: Path) -> None:
    export(network("finder"), tmp_path)
    (tmp_path / BIN).unlink()
    with pytest.raises(RuntimeError, match="cannot load"):
        NcnnNetwork(tmp_path)


class Foreign(PaddedNetwork):
    """What ncnn has no layer for."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def whole(self, x: torch.Tensor, *features: torch.Tensor) -> torch.Tensor:
        return torch.linalg.matrix_exp(x * self.scale)

    def examples(self) -> tuple[torch.Tensor, ...]:
        return (torch.zeros(1, 1, 8, 8),)


def test_what_ncnn_cannot_compute_is_an_error_not_another_result(tmp_path: Path) -> None:
    def computed() -> NcnnNetwork:
        export(Foreign(), tmp_path)
        return NcnnNetwork(tmp_path)

    with pytest.raises(RuntimeError):
        computed()
