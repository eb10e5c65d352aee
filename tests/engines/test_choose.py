import importlib.util
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from restore.engines.choose import accelerate, choose_engine
from restore.engines.ncnn_network import NcnnNetwork
from restore.errors import ConfigError
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.pix2pix import Pix2PixUNet
from restore.models.segmenter import Segmenter
from restore.models.weights import save_models
from restore.pipeline import Restorer
from tests.engines.networks import TINY, randomised
from tests.engines.test_ncnn_network import Foreign

pytest.importorskip("ncnn")
pytest.importorskip("pnnx")

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("wanted", "device", "precision", "matrix", "chosen"),
    [
        ("auto", CPU, "auto", False, "ncnn"),
        ("auto", CPU, "auto", True, "torch"),  # bfloat16 on matrix instructions is faster
        ("auto", CPU, "float32", True, "ncnn"),
        ("auto", CPU, "bfloat16", False, "torch"),
        ("auto", GPU, "auto", False, "torch"),
        ("ncnn", CPU, "auto", True, "ncnn"),
        ("torch", CPU, "auto", False, "torch"),
    ],
)
def test_ncnn_is_taken_where_it_is_faster(
    wanted: str, device: torch.device, precision: str, matrix: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: matrix)
    assert choose_engine(wanted, device, precision) == chosen


@pytest.mark.parametrize(("device", "precision"), [(GPU, "auto"), (CPU, "bfloat16")])
def test_ncnn_is_refused_where_it_cannot_compute(device: torch.device, precision: str) -> None:
    with pytest.raises(ConfigError, match=f"float32 on a CPU; got device {device} and precision {precision}"):
        choose_engine("ncnn", device, precision)


def test_without_ncnn_pytorch_computes_and_who_asks_for_it_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pnnx" else found(name))
    assert choose_engine("auto", CPU, "auto") == "torch"
    with pytest.raises(ConfigError, match=r"not installed: pnnx .* pip install -r requirements-fast.txt"):
        choose_engine("ncnn", CPU, "auto")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with a generator, a finder and a segmenter that do something."""
    generator, finder = randomised(GatedGenerator(**TINY)), randomised(OcclusionFinder(**TINY))
    save_models(tmp_path / "generator.pth", {"generator": (generator, TINY), "finder": (finder, TINY)})
    save_models(tmp_path / "segmenter.pth", {"segmenter": (randomised(Segmenter(**TINY)), TINY)})
    settings: dict[str, Any] = {"widths": [8, 8], "blocks": [1, 1]}
    save_models(tmp_path / "noise.pth", {"noise": (randomised(NoiseNetwork(**settings)), settings)})
    return tmp_path


def engines(restorer: Restorer) -> list[Any]:
    generator, segmenter = restorer.generator, restorer.segmenter
    assert isinstance(generator, GatedGenerator) and segmenter is not None and restorer.noise is not None
    return [generator.unet.engine, restorer.finder.unet.engine, segmenter.engine, restorer.noise.unet.engine]


def test_a_restorer_with_ncnn_restores_as_one_with_pytorch(weights: Path) -> None:
    fast, slow = (Restorer.from_pretrained(weights, device="cpu", engine=name) for name in ("ncnn", "torch"))
    assert (fast.engine, slow.engine) == ("ncnn", "torch")
    assert all(isinstance(engine, NcnnNetwork) for engine in engines(fast)) and engines(slow) == [None] * 4
    assert len({id(engine) for engine in engines(fast)}) == 4
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (3, 34, 50, 3), dtype=np.uint8)
    masks = np.zeros((3, 34, 50), bool)
    masks[:, 5:20, 8:30] = True
    one, other = (np.stack([frame.image for frame in x.restore_frames(clip, masks)]) for x in (fast, slow))
    assert not np.array_equal(one[masks], clip[masks])
    assert np.abs(one.astype(int) - other).max() <= 1


def test_where_nothing_can_be_kept_it_is_exported_for_this_time(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (weights / ".ncnn").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(weights / "cache"))
    Restorer.from_pretrained(weights, device="cpu", engine="ncnn")
    assert len(list((weights / "cache/restore").glob("*/*"))) == 4
    (weights / "other").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(weights / "other"))
    finder = randomised(OcclusionFinder(**TINY))
    assert isinstance(finder, OcclusionFinder)
    with caplog.at_level(logging.WARNING):
        accelerate({"finder": finder}, weights)
    assert isinstance(finder.unet.engine, NcnnNetwork)
    assert [str(weights) in record.message for record in caplog.records] == [True]


def test_where_not_even_that_can_be_written_pytorch_computes(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (weights / ".ncnn").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(weights / ".ncnn"))
    monkeypatch.setattr(tempfile, "tempdir", str(weights / ".ncnn"))
    with caplog.at_level(logging.WARNING):
        restorer = Restorer.from_pretrained(weights, device="cpu", engine="ncnn")
    assert engines(restorer) == [None] * 4
    assert sum("PyTorch computes the " in record.message for record in caplog.records) == 4


def test_what_ncnn_cannot_compute_pytorch_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    foreign = Foreign()
    models: dict[str, nn.Module] = {"other": nn.Sequential(foreign), "generator": Pix2PixUNet(width=8)}
    with caplog.at_level(logging.WARNING):
        accelerate(models, tmp_path)
    assert foreign.engine is None
    assert len(caplog.records) == 1 and "PyTorch computes the other" in caplog.records[0].message
