"""train.py: each architecture, and what it begins from."""

from pathlib import Path
from typing import Any

import pytest
import torch

from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.pix2pix import Pix2PixUNet
from restore.models.weights import load_models, save_models
from restore.training.config import TrainConfig
from restore.training.initial import initial_generator
from tests.training.tiny import events, losses, run, write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


def test_the_classic_pix2pix(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, architecture="pix2pix", width=8, window=3, frames_per_window=1, epochs=2) == 0
    generator = load_models(tmp_path / "out/generator.pth", ("generator", "finder"))["generator"]
    assert isinstance(generator, Pix2PixUNet) and len(generator.downs) == 8
    assert generator(torch.zeros(1, 3, 40, 50)).isfinite().all()


def test_a_gated_generator_is_written_and_trained_on(videos: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(videos, first, architecture="gated", epochs=2, validate_every=2) == 0
    generator = load_models(first / "out/generator.pth", ("generator", "finder"))["generator"]
    assert isinstance(generator, GatedGenerator)
    assert len(losses(first, "level")) == 4 and 0 < max(losses(first, "level")) < 20
    settings = {"architecture": "gated", "init_from": first / "out/generator.pth", "epochs": 1, "learning_rate": 1e-9}
    assert run(videos, second, **settings) == 0
    result = load_models(second / "out/generator.pth", ("generator",))["generator"]
    for key, value in generator.state_dict().items():
        assert torch.allclose(result.state_dict()[key], value, atol=1e-3, rtol=1e-3), key  # fp16 on disk


def test_a_gated_generator_begins_with_one_without_a_gate(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path / "first", epochs=1) == 0
    given = load_models(tmp_path / "first/out/generator.pth", ("generator",))["generator"]
    config = TrainConfig(
        data_dir="any",
        architecture="gated",
        width=given.unet.head.out_channels,  # type: ignore[union-attr]
        init_from=str(tmp_path / "first/out/generator.pth"),
    )
    begun = initial_generator(config).generator
    assert isinstance(begun, GatedGenerator)
    assert torch.equal(begun.unet.head.weight, given.unet.head.weight)  # type: ignore[union-attr]


def test_a_gated_generator_is_the_one_it_was_built_for() -> None:
    config = TrainConfig(data_dir="any", architecture="gated")
    begun, built = initial_generator(config).generator, GatedGenerator(reads_spectrum=True)
    assert [tuple(x.shape) for x in begun.parameters()] == [tuple(x.shape) for x in built.parameters()]


def test_starting_from_given_weights(videos: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    kwargs: dict[str, Any] = {"widths": [8, 8, 16, 32]}
    models = {"generator": (UNetGenerator(**kwargs), kwargs), "finder": (OcclusionFinder(), {})}
    save_models(tmp_path / "start.pth", models)
    start = load_models(tmp_path / "start.pth", ("generator", "finder"))
    settings = {"init_from": tmp_path / "start.pth", "epochs": 1, "learning_rate": 1e-9}
    assert run(videos, tmp_path, **settings) == 0
    assert "finder/mask" not in events(tmp_path).Tags()["scalars"]  # it is taken as it is
    result = load_models(tmp_path / "out/generator.pth", ("generator", "finder"))
    for name in ("generator", "finder"):
        for key, value in start[name].state_dict().items():
            assert torch.allclose(result[name].state_dict()[key], value, atol=1e-5), key


@pytest.mark.parametrize(
    "settings", [{"width": 16}, {"architecture": "pix2pix"}, {"architecture": "gated", "width": 16}]
)
def test_starting_from_weights_of_another_shape_is_refused(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any]
) -> None:
    kwargs: dict[str, Any] = {"widths": [8, 8, 16, 32]}
    models = {"generator": (UNetGenerator(**kwargs), kwargs), "finder": (OcclusionFinder(), {})}
    save_models(tmp_path / "start.pth", models)
    code = run(videos, tmp_path, init_from=tmp_path / "start.pth", **settings)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2 and last.startswith("train.py: ") and str(tmp_path / "start.pth") in last
