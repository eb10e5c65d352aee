"""What holds for all trainings, whatever they train."""

from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor

from restore.models.finder import OcclusionFinder
from restore.models.pretrained import load_autoencoder
from restore.models.weights import load_models
from restore.refinement.load import load_refiner
from restore.training.interrupt import Interrupt
from restore.training.run import checkpointed, run
from restore.training.train_finder import FinderTraining
from tests.training.tiny import accelerator, at_step, build, content, refiner_parts, same, write_videos

ALL = ["finder", "generator", "obstruction", "autoencoder", "refiner"]
NAMES = {"obstruction": "segmenter"}  # of the checkpoint, where that is not the stage's


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings that a stage needs beyond the common ones."""
    return {"refiner": refiner_parts(tmp_path_factory.mktemp("parts"))}


@pytest.mark.parametrize("stage", ALL)
def test_the_learning_rate_falls_to_zero_and_weights_are_updated_when_gradients_are_complete(
    videos: Path, parts: dict[str, Any], tmp_path: Path, stage: str
) -> None:
    settings = {"gradient_accumulation": 2, "validate_every": 1000} | parts.get(stage, {})
    one = accelerator(
        gradient_accumulation_steps=2,
        log_with="tensorboard",
        project_dir=tmp_path / "run",
        step_scheduler_with_optimizer=False,
    )
    one.init_trackers("logs")
    training, config = build(videos, tmp_path, one, stage=stage, **settings)
    updates = training.steps if stage == "finder" else training.steps // 2
    assert run(training, config, one, Interrupt()) and updates == 3
    state = content(tmp_path / "run" / f"{training.name}.checkpoint")
    assert training.name == NAMES.get(stage, stage) and "scaler" not in state
    for name, learner in training.learners.items():
        assert state[f"{name}.schedule"]["last_epoch"] == updates
        assert state[f"{name}.optimizer"]["param_groups"][0]["lr"] == pytest.approx(0, abs=1e-12)
        assert {int(weight["step"]) for weight in state[f"{name}.optimizer"]["state"].values()} == {updates}
        assert learner.ema is None or int(state[f"{name}.ema"]["n_averaged"]) == updates


@pytest.mark.parametrize("stage", ALL[1:])
def test_the_averaged_weights_are_validated_and_written(
    videos: Path, parts: dict[str, Any], tmp_path: Path, stage: str
) -> None:
    """Those that learn are not a number here, and nothing of it is seen."""
    training, _ = build(videos, tmp_path, accelerator(), stage=stage, **parts.get(stage, {}))
    learner = next(iter(training.learners.values()))

    def validated() -> tuple[dict[str, float], Tensor]:
        result = training.validate()
        assert result is not None
        return result

    def redraw_average() -> None:
        with torch.no_grad():
            for weight in learner.average.parameters():
                weight.add_(0.05 * torch.randn(weight.shape, generator=draw))

    draw = torch.Generator().manual_seed(0)
    redraw_average()
    first = validated()
    with torch.no_grad():
        for weight in learner.network.parameters():
            weight.fill_(torch.nan)
    again = validated()
    assert first[0] == again[0] and torch.equal(first[1], again[1])
    redraw_average()
    assert validated()[0] != first[0]
    path, write = next(iter(training.weights().items()))
    write(path)
    loaded: Any
    if stage == "autoencoder":
        loaded = load_autoencoder(path)
    elif stage == "refiner":
        for other, write_other in list(training.weights().items())[1:]:
            write_other(other)
        loaded = load_refiner(path.parent).unet
    else:
        name = NAMES.get(stage, stage)
        loaded = load_models(path, (name,))[name]
    assert all(weight.isfinite().all() for weight in loaded.parameters())


def test_the_averaged_finder_is_used(videos: Path, tmp_path: Path) -> None:
    training, _ = build(videos, tmp_path, accelerator(), stage="finder")
    assert isinstance(training, FinderTraining)
    torch.nn.init.constant_(next(training.learner.network.parameters()), torch.nan)
    assert all(weight.isfinite().all() and not weight.requires_grad for weight in training.finder.parameters())
    assert not training.finder.training


@pytest.mark.parametrize("stage", ALL)
def test_the_average_follows_what_learns(videos: Path, parts: dict[str, Any], tmp_path: Path, stage: str) -> None:
    """Half of the way at each update, once the first has taken the weights as they are."""
    settings = {"ema_decay": 0.05, "learning_rate": 1e-3} | parts.get(stage, {})
    training, _ = build(videos, tmp_path, accelerator(), stage=stage, **settings)
    learner, batches = next(iter(training.learners.values())), training.batches(0)
    steps, averages = [], []
    for step in range(2):
        training.step(step, next(batches))
        for model, states in ((learner.network, steps), (learner.average, averages)):
            states.append([weight.clone() for weight in model.parameters()])
    batches.close()
    moved = [not torch.equal(a, b) for a, b in zip(*steps, strict=True)]
    assert any(moved)
    for first, second, average in zip(*steps, averages[1], strict=True):
        assert torch.allclose(average, 0.05 * first + 0.95 * second, atol=1e-6)


def scaled(videos: Path, folder: Path) -> tuple[FinderTraining, Any, Accelerator, torch.amp.GradScaler]:
    """A finder's training whose gradients are scaled, as in fp16; the scale doubles after every second step."""
    one = accelerator()
    one.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=2)
    training, config = build(videos, folder, one, stage="finder", finder_steps=5)
    assert isinstance(training, FinderTraining)
    return training, config, one, scaler


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_scale_of_gradients_is_part_of_the_checkpoint(videos: Path, tmp_path: Path, step: int) -> None:
    training, config, one, scaler = scaled(videos, tmp_path / "whole")
    assert run(training, config, one, Interrupt()) and scaler.get_scale() == 1024

    training, config, one, scaler = scaled(videos, tmp_path / "parts")
    interrupt = Interrupt()
    with at_step(OcclusionFinder, step, lambda: setattr(interrupt, "requested", True)):
        assert not run(training, config, one, interrupt)
    assert content(tmp_path / "parts/run/finder.checkpoint")["scaler"]["scale"] == 256 * 2 ** (step // 2)
    training, config, one, scaler = scaled(videos, tmp_path / "parts")
    assert run(training, config, one, Interrupt()) and scaler.get_scale() == 1024
    whole, parts = (content(tmp_path / name / "run/finder.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)


def test_a_gan_learns_with_scaled_gradients(videos: Path, tmp_path: Path) -> None:
    """As without: each network's gradients are brought back to their scale before its step."""
    weights = []
    for scale in (None, 1024.0):
        one = accelerator()
        if scale is not None:
            one.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        # accelerate brings them back before it clips, too, but only on GPUs: nothing is clipped here.
        training, _ = build(videos, tmp_path, one, gradient_clip=1e9)
        assert ("scaler" in checkpointed(training, one)) == (scale is not None)
        batches = training.batches(0)
        training.step(0, next(batches))
        batches.close()
        weights.append(
            [weight.clone() for learner in training.learners.values() for weight in learner.network.parameters()]
        )
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*weights, strict=True))  # a step is 2e-4
