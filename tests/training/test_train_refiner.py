import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNetMotionModel

from restore.refinement.load import load_refiner
from restore.training.prepare_refiner import LatentClips
from restore.training.train_refiner import RefinerTraining
from tests.models.test_autoencoder import tiny_kl
from tests.training.test_resume import INTERRUPTED, ctrl_c
from tests.training.tiny import (
    accelerator,
    at_step,
    build,
    content,
    events,
    flags,
    refiner_parts,
    run,
    same,
    write_videos,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A generator and an autoencoder to train with, the smallest there are."""
    folder = tmp_path_factory.mktemp("given")
    return {"stage": "refiner"} | refiner_parts(folder)


@pytest.fixture(scope="module")
def trained(videos: Path, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished; all of it on one video."""
    folder = tmp_path_factory.mktemp("trained")
    one = write_videos(folder / "one", count=1)
    assert run(one, folder, epochs=30, learning_rate=5e-3, validate_every=15, **given) == 0
    return folder


def test_overfitting_one_clip_drives_the_loss_down(trained: Path) -> None:
    losses = [scalar.value for scalar in events(trained).Scalars("refiner/velocity")]
    assert len(losses) == 30 and sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_it_is_watched(trained: Path) -> None:
    log = events(trained)
    for name in ("psnr_coarse", "psnr_refined", "detail_coarse", "detail_refined"):
        assert [scalar.step for scalar in log.Scalars(f"validation/{name}")] == [14, 29], name
    (grid,) = {(image.height, image.width) for image in log.Images("validation/coarse refined clean")}
    assert grid == (2 + 34, 2 + 3 * 34)  # one held-out video, three pictures of 32x32


def test_it_writes_a_refiner_that_works(trained: Path) -> None:
    refiner = load_refiner(trained / "out")
    frames, mask = torch.zeros(1, 2, 3, 32, 32), torch.ones(1, 2, 1, 32, 32)
    assert refiner.refine(frames, mask, steps=2).shape == frames.shape
    config = refiner.scheduler.config
    assert (config.prediction_type, config.timestep_spacing) == ("v_prediction", "trailing")
    assert refiner.scheduler.alphas_cumprod[-1] < 1e-6  # zero terminal SNR
    assert sorted(path.name for path in (trained / "out").iterdir()) == [
        "model_index.json",
        "scheduler",
        "unet",
        "vae",
    ]


@pytest.fixture(scope="module")
def whole(videos: Path, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(videos, folder, **given) == 0
    return folder


@pytest.mark.parametrize("step", [1, 4])
def test_stopped_and_resumed_is_as_never_stopped(
    videos: Path, given: dict[str, Any], whole: Path, tmp_path: Path, step: int
) -> None:
    with at_step(UNetMotionModel, step, ctrl_c):
        assert run(videos, tmp_path, **given) == INTERRUPTED
    load_refiner(tmp_path / "out")  # what there is can be used already
    assert run(videos, tmp_path, **given) == 0
    assert same(*(content(folder / "run/refiner.checkpoint") for folder in (whole, tmp_path)))
    weights = "out/unet/diffusion_pytorch_model.safetensors"
    assert (whole / weights).read_bytes() == (tmp_path / weights).read_bytes()


def test_two_processes_share_one_training(videos: Path, given: dict[str, Any], tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "train.py"]
    done = subprocess.run(
        [*launch, *flags(videos, tmp_path, epochs=2, **given)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "run/refiner.checkpoint")["step"] == 2  # two videos, one for each, two epochs
    load_refiner(tmp_path / "out")


def test_a_pretrained_autoencoder_of_another_kind_serves(videos: Path, given: dict[str, Any], tmp_path: Path) -> None:
    tiny_kl().save_pretrained(tmp_path / "kl")
    assert run(videos, tmp_path, **given | {"vae": tmp_path / "kl", "epochs": 1}) == 0
    assert type(load_refiner(tmp_path / "out").vae).__name__ == "AutoencoderKL"


def test_what_is_missing_is_named_before_anything_is_written(
    videos: Path, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, message in (("vae", "no such folder, and not a hub id"), ("generator", "no such weights file")):
        assert run(videos, tmp_path, **given | {name: tmp_path / "missing"}) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
        assert not list(tmp_path.iterdir())


def test_all_frames_of_a_clip_have_one_noise_and_each_clip_its_own(
    videos: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    """As when sampling: with a noise for each frame, what is regenerated flickers."""
    training, _ = build(videos, tmp_path, accelerator(), **given)
    assert isinstance(training, RefinerTraining)
    nothing = torch.zeros(2, 4, 4, 8, 8)
    inputs = []
    handle = training.learner.network.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    training.step(0, LatentClips(clean=nothing, masked=nothing, hidden=torch.ones(2, 4, 1, 8, 8)))
    handle.remove()
    (noise,) = (sample[:, :4] for sample in inputs)  # B C T h w: clean is nothing, so what is left is the noise
    assert noise.std() > 0.1
    assert torch.equal(noise, noise[:, :, :1].expand_as(noise))
    assert not torch.allclose(noise[0] / noise[0].std(), noise[1] / noise[1].std(), atol=0.1)


def test_crops_are_whole_latent_cells(
    videos: Path, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(videos, tmp_path, **given | {"crop_width": 34}) == 2
    assert capsys.readouterr().err == (
        "train.py: crop_width is 34, expected a multiple of 4, the pixels a side of the autoencoder's latent cells\n"
    )
    assert not list(tmp_path.iterdir())
