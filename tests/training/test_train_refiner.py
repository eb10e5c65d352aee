import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from restore.models.autoencoder import build_autoencoder
from restore.models.noise_schedule import NOISE
from restore.models.video_unet import VideoUNet
from restore.refinement.load import load_refiner
from restore.refinement.refiner import RefinerPipeline
from restore.training.prepare_refiner import CoarseClips, LatentClips
from restore.training.train_refiner import RefinerClips, RefinerTraining, as_drawn, as_held
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


def test_overfitting_one_clip_drives_the_loss_down(videos: Path, given: dict[str, Any], tmp_path: Path) -> None:
    training, _ = build(videos, tmp_path, accelerator(), epochs=60, learning_rate=5e-3, **given)
    assert isinstance(training, RefinerTraining)
    batch = next(training.batches(0))
    # The step decides timesteps and noise, which the loss depends on more than on what is learned.
    rounds = [sum(training.step(step, batch)["velocity"].item() for step in range(3)) for _ in range(5)]
    assert rounds[-1] < 0.7 * rounds[0]


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
    with at_step(VideoUNet, step, ctrl_c):
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
    nothing, hidden = torch.zeros(2, 4, 4, 8, 8), torch.ones(2, 4, 1, 8, 8)
    hidden[..., :3] = 0
    pictures = CoarseClips(*torch.zeros(3, 1))
    inputs = []
    handle = training.learner.network.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    training.config.known_share, training.config.coarse_share = 0, 1
    training.step(0, RefinerClips(pictures, LatentClips(nothing, nothing, nothing + 7, hidden)))
    handle.remove()
    (latents,) = (sample[:, :4] for sample in inputs)  # B C T h w
    assert (latents[..., :3] == 7).all()  # what is known has no noise, and is that of the draft, as in use
    noise = latents[..., 3:]  # clean is nothing, so what is left is the noise
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


def test_what_is_held_comes_back() -> None:
    pictures = CoarseClips(
        *(torch.linspace(-1, 1, 256).view(1, 1, 1, 16, 16),) * 2, torch.eye(16).view(1, 1, 1, 16, 16)
    )
    latents = LatentClips(*torch.randn(4, 1, 1, 4, 2, 2, generator=torch.Generator().manual_seed(0)))
    again = as_drawn(as_held(RefinerClips(pictures, latents)))
    for name in ("clean", "coarse", "unseen"):
        torch.testing.assert_close(getattr(again.pictures, name), getattr(pictures, name), atol=0.005, rtol=0)
    for name in ("clean", "masked", "draft", "hidden"):
        torch.testing.assert_close(getattr(again.latents, name), getattr(latents, name), atol=0.002, rtol=0.001)


def test_each_batch_is_learned_from_several_times(videos: Path, given: dict[str, Any], tmp_path: Path) -> None:
    assert run(videos, tmp_path, reuse=3, memory=4, **given | {"epochs": 2}) == 0
    one = given | {"epochs": 1}
    assert run(videos, tmp_path / "once", **one) == 0
    steps = [content(folder / "run/refiner.checkpoint")["step"] for folder in (tmp_path, tmp_path / "once")]
    assert steps[0] == 6 * steps[1]


def test_a_refiner_of_another_kind_is_not_trained(
    videos: Path, given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.models.test_denoiser import reading

    torch.manual_seed(0)
    vae = build_autoencoder(latent_channels=4, downsampling=4, width=8)
    RefinerPipeline(vae=vae, unet=reading(), scheduler=DDIMScheduler(**NOISE)).save_pretrained(tmp_path / "old")
    assert run(videos, tmp_path / "new", **given | {"init_from": tmp_path / "old"}) == 2
    assert (
        capsys.readouterr().err
        == f"train.py: only a VideoUNet is trained here, got UNetMotionModel: {tmp_path / 'old'}\n"
    )
