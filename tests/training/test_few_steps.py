"""The refiner's second training: from the coarse fill in a few calls."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from restore.models.autoencoder import build_autoencoder, decode, encode
from restore.models.denoiser import build_denoiser
from restore.models.noise_schedule import NOISE
from restore.refinement.load import load_refiner
from restore.refinement.refiner import RefinerPipeline
from restore.training.few_steps import Regenerator, walked
from restore.training.prepare import seeded
from restore.training.prepare_refiner import CoarseClips, latent_clips
from restore.training.train_few_steps import FewStepsTraining
from restore.training.train_refiner import RefinerClips, shared_noise
from tests.models.test_denoiser import awake
from tests.training.tiny import accelerator, build, content, events, refiner_parts, run, same, write_videos


def regenerator() -> Regenerator:
    torch.manual_seed(0)
    denoiser = awake(build_denoiser(latent_channels=4, widths=(16, 16), frames=4))
    return Regenerator(denoiser, build_autoencoder(latent_channels=4, downsampling=4, width=8).eval())


@pytest.mark.parametrize("start", [0.5, 1.0])
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_the_walk_is_that_of_the_sampler(calls: int, start: float) -> None:
    """What the last call makes of it is what the refiner gives."""
    network = regenerator()
    pictures = torch.rand(1, 3, 3, 32, 32, generator=seeded(1)) * 2 - 1
    unseen = torch.zeros(1, 3, 1, 32, 32)
    unseen[..., 8:24, 8:24] = 1
    clips = latent_clips(CoarseClips(pictures, pictures, unseen), network.vae)
    refiner = RefinerPipeline(vae=network.vae, unet=network.denoiser, scheduler=DDIMScheduler(**NOISE))
    steps = calls if start == 1 else {1: 2, 2: 4, 4: 8}[calls]
    wanted = refiner.refine(pictures, unseen, steps=steps, start=start, seed=3)

    from restore.refinement.refiner import _generator

    noise = torch.randn(1, *clips.clean.shape[2:], generator=_generator(3, 0)).expand_as(clips.clean)
    noisy, timestep, signal = walked(network, clips, noise, calls=calls, before=calls - 1, start=start)
    with torch.no_grad():
        got = network(noisy, timestep, signal, clips, torch.arange(3)[None])
    torch.testing.assert_close(got, wanted, atol=1e-3, rtol=1e-3)


def test_only_denoiser_and_decoder_learn() -> None:
    network = regenerator()
    pictures = torch.rand(2, 3, 3, 32, 32, generator=seeded(1)) * 2 - 1
    clips = latent_clips(CoarseClips(pictures, pictures, torch.ones(2, 3, 1, 32, 32)), network.vae)
    noise = shared_noise(clips.clean, seeded(2))
    noisy, timestep, signal = walked(network, clips, noise, calls=2, before=1, start=0.5)
    assert not noisy.requires_grad
    network(noisy, timestep, signal, clips, torch.tensor([[0, 1], [1, 2]])).square().mean().backward()
    learning = {
        name.split(".")[0] + "." + name.split(".")[1] for name, x in network.named_parameters() if x.grad is not None
    }
    assert "vae.decoder" in learning and "vae.encoder" not in learning and "denoiser.tail" in learning


def test_the_frames_that_are_asked_for_are_decoded() -> None:
    network = regenerator()
    pictures = torch.rand(2, 3, 3, 32, 32, generator=seeded(1)) * 2 - 1
    clips = latent_clips(CoarseClips(pictures, pictures, torch.zeros(2, 3, 1, 32, 32)), network.vae)  # all known
    with torch.no_grad():
        got = network(clips.draft, 10, 0.9, clips, torch.tensor([[2, 0], [1, 1]]))
        decoded = decode(network.vae, encode(network.vae, pictures))
    torch.testing.assert_close(got[0], decoded[0, [2, 0]])
    torch.testing.assert_close(got[1], decoded[1, [1, 1]])


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Videos, and settings to train a refiner on from, the smallest there is."""
    folder = tmp_path_factory.mktemp("refiner")
    videos = write_videos(folder / "videos", count=1)
    parts = refiner_parts(folder)
    assert run(videos, folder, stage="refiner", epochs=1, **parts) == 0
    return videos, {"stage": "few_steps", "generator": parts["generator"], "init_from": folder / "out"}


@pytest.fixture(scope="module")
def trained(refiner: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    videos, settings = refiner
    folder = tmp_path_factory.mktemp("trained")
    assert run(videos, folder, epochs=40, learning_rate=3e-3, **settings) == 0
    return folder


def test_it_learns_what_is_hidden(trained: Path) -> None:
    log = events(trained)
    for name in ("l1", "perceptual"):
        values = [scalar.value for scalar in log.Scalars(f"few_steps/{name}")]
        assert len(values) == 40 and sum(values[-10:]) < 0.9 * sum(values[:10]), name
    assert len(log.Scalars("few_steps/adversarial")) == len(log.Scalars("few_steps/discriminator")) == 40


def test_the_decoder_learns_what_is_known_where_nothing_is_hidden(
    refiner: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """It draws both, and only what is hidden is looked at in the other terms."""
    videos, settings = refiner
    training, _ = build(videos, tmp_path, accelerator(), epochs=40, learning_rate=3e-3, **settings)
    assert isinstance(training, FewStepsTraining)
    pictures = CoarseClips(*torch.rand(2, 2, 4, 3, 32, 32, generator=seeded(1)), torch.zeros(2, 4, 1, 32, 32))
    batch = RefinerClips(pictures, latent_clips(pictures, training.vae))
    known = [training.step(step, batch)["known"].item() for step in range(40)]
    assert sum(known[-5:]) < 0.9 * sum(known[:5])


def test_the_encoder_stays_and_the_decoder_does_not(refiner: tuple[Path, dict[str, Any]], trained: Path) -> None:
    before, after = load_refiner(refiner[1]["init_from"]), load_refiner(trained / "out")
    parts = zip(before.vae.named_parameters(), after.vae.parameters(), strict=True)
    kept = {name.split(".")[0] for (name, old), new in parts if torch.equal(old, new)}
    assert "encoder" in kept
    changed = [
        not torch.equal(*pair)
        for pair in zip(before.vae.decoder.parameters(), after.vae.decoder.parameters(), strict=True)
    ]
    assert any(changed)
    frames, mask = torch.zeros(1, 2, 3, 32, 32), torch.ones(1, 2, 1, 32, 32)
    assert after.refine(frames, mask, steps=2).shape == frames.shape


def test_stopped_and_resumed_is_as_never_stopped(refiner: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    from restore.models.video_unet import VideoUNet
    from tests.training.test_resume import INTERRUPTED, ctrl_c
    from tests.training.tiny import at_step

    videos, settings = refiner
    assert run(videos, tmp_path / "whole", epochs=3, **settings) == 0
    with at_step(VideoUNet, 2, ctrl_c):
        assert run(videos, tmp_path / "parts", epochs=3, **settings) == INTERRUPTED
    assert run(videos, tmp_path / "parts", epochs=3, **settings) == 0
    whole, parts = (content(tmp_path / name / "run/few_steps.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)


def test_three_frames_are_judged_together(
    refiner: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, settings = refiner
    assert run(videos, tmp_path, window=2, **settings) == 2
    assert "window is 2, expected at least 3, which are judged together" in capsys.readouterr().err


def test_without_a_refiner_to_begin_from_it_says_so(
    refiner: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos, settings = refiner
    assert run(videos, tmp_path, **settings | {"init_from": tmp_path / "none"}) == 2
    assert "no such folder, and not a hub id" in capsys.readouterr().err and not list(tmp_path.iterdir())
