from pathlib import Path

import pytest
import torch

from restore.models.autoencoder import downsampling, encode
from restore.models.pretrained import load_autoencoder
from restore.tensors import to_float
from restore.training.train_autoencoder import BothWays
from tests.models.test_autoencoder import tiny_kl
from tests.propagation.footage import pan
from tests.training.test_resume import INTERRUPTED, ctrl_c
from tests.training.tiny import at_step, content, events, run, same, write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    assert run(videos, folder, stage="autoencoder", epochs=15, validate_every=10, learning_rate=3e-3) == 0
    return folder


def test_it_learns_and_is_watched(trained: Path) -> None:
    log = events(trained)
    psnr = [scalar.value for scalar in log.Scalars("validation/psnr")]
    assert len(psnr) == 3 and psnr[-1] > psnr[0]
    losses = [scalar.value for scalar in log.Scalars("autoencoder/l1")]
    assert len(losses) == 30 and sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert {"autoencoder/gradient", "autoencoder/moment"} <= set(log.Tags()["scalars"])
    assert len(log.Images("validation/decoded clean")) == 3


def test_it_writes_diffusers_own_layout_with_latents_of_unit_variance(trained: Path) -> None:
    vae = load_autoencoder(trained / "out")
    assert downsampling(vae) == 4 and vae.config.latent_channels == 4
    frames = to_float(pan(6, (1, 1), height=40, width=48, seed=0))
    with torch.no_grad():
        latents = encode(vae, frames)
    assert abs(latents.mean()) < 0.5 and 0.6 < latents.std() < 1.6
    assert sorted(path.name for path in trained.iterdir()) == ["out", "run"]


@pytest.mark.parametrize("step", [1, 4])
def test_stopped_and_resumed_is_as_never_stopped(videos: Path, tmp_path: Path, step: int) -> None:
    assert run(videos, tmp_path / "whole", stage="autoencoder") == 0
    with at_step(BothWays, step, ctrl_c):
        assert run(videos, tmp_path / "parts", stage="autoencoder") == INTERRUPTED
    assert load_autoencoder(tmp_path / "parts/out")  # what there is can be used already
    assert run(videos, tmp_path / "parts", stage="autoencoder") == 0
    whole, parts = (content(tmp_path / name / "run/autoencoder.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)
    weights = "out/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "whole" / weights).read_bytes() == (tmp_path / "parts" / weights).read_bytes()


def test_it_goes_on_from_other_weights(videos: Path, trained: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, stage="autoencoder", epochs=1, init_from=trained / "out", validate_every=1) == 0
    first, last = (events(folder).Scalars("autoencoder/l1") for folder in (tmp_path, trained))
    assert first[0].value < 1.3 * last[-1].value


def test_only_its_own_kind_is_trained(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_kl().save_pretrained(tmp_path / "kl")
    assert run(videos, tmp_path, stage="autoencoder", init_from=tmp_path / "kl") == 2
    expected = f"train.py: only an AutoencoderTiny is trained here, got AutoencoderKL: {tmp_path / 'kl'}\n"
    assert capsys.readouterr().err == expected
    assert [path.name for path in tmp_path.iterdir()] == ["kl"]


def test_cells_that_do_not_fit_the_crops_are_told(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(videos, tmp_path, stage="autoencoder", downsampling=3) == 2
    assert capsys.readouterr().err == "train.py: downsampling is 3, expected a divisor of the crops' sides, 32\n"
