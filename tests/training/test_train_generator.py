import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from torch import Tensor, nn

from restore.frame import HIDDEN
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator
from restore.propagation.evidence import BASE, FRAME, MASK
from restore.scoring.perceptual import lpips_network
from restore.training.config import TrainConfig
from restore.training.initial import initial_generator
from restore.training.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    level_loss,
    reconstruction_loss,
    slight_weights,
)
from restore.training.prepare import Pairs
from restore.training.schedule import cosine
from restore.training.train_generator import GeneratorTraining
from tests.propagation.footage import pan, texture
from tests.training.tiny import SETTINGS, write_video


def training(folder: Path, *, photos: bool = False, **settings: Any) -> GeneratorTraining:
    """On one video, and on the photographs in the folder."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    video = write_video(folder / "pan.avi", pan(8, (0, 0), 32, 32))
    videos = [video, *sorted(folder.glob("*.png"))] if photos else [video]
    config = TrainConfig(data_dir=str(folder), **SETTINGS["generator"] | settings)
    finder = OcclusionFinder(widths=(8, 8), blocks=(1, 1), decoder_blocks=(1,)).eval()
    assert finder.unet.tail.bias is not None
    nn.init.constant_(finder.unet.tail.bias, -6)  # it finds nothing: what is given is seen
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    return GeneratorTraining(config, initial_generator(config), finder, accelerator, videos, [video])


def test_some_scenes_are_augmented(tmp_path: Path) -> None:
    one = training(tmp_path, epochs=12, windows_per_video=1, batch_size=1)
    scene = torch.from_numpy(pan(1, (0, 0), 32, 32)[0]).permute(2, 0, 1) / 127.5 - 1
    apart = [min((pairs.clean - x).abs().mean().item() for x in (scene, scene.flip(-1))) for pairs in one.batches(0)]
    assert len(apart) == 12 and min(apart) < 0.1 and max(apart) > 0.3  # as it is, coded; and another


def test_pairs_are_degraded_from_nothing_upwards(tmp_path: Path) -> None:
    """Some not at all, some by noise or blur, some by boxes."""
    one = training(tmp_path, epochs=30, windows_per_video=1, batch_size=1, frames_per_window=4, window=4)
    errors, hidden = [], []
    for pairs in one.batches(0):
        errors.append((pairs.evidence[:, FRAME] - pairs.clean).abs().max().item() * 127.5)
        hidden.append(bool(pairs.mask.any()))
    assert 2 <= sum(error < 0.6 for error in errors) < 20
    assert max(errors) > 20 and 3 <= sum(hidden) < 20


def test_photographs_are_filmed_and_learned_from(tmp_path: Path) -> None:
    """With the blur of their open shutter in the frame, and not in what is to come out."""
    for seed in range(3):
        cv2.imwrite(str(tmp_path / f"{seed}.png"), texture(80, 100, seed))
    one = training(tmp_path, windows_per_video=1, batch_size=1, epochs=12, photos=True)
    assert len(one.feed.items.videos) == 4
    moving = [pairs.clean.diff(dim=0).abs().mean().item() for pairs in one.batches(0)]
    assert len(moving) == 48 and np.mean(np.array(moving) > 0.005) > 0.3  # the video is static, most cameras are not
    photos = [index for index, path in enumerate(one.feed.items.videos) if path.suffix == ".png"]
    items = [one.feed.items.windows[epoch, index] for epoch in range(4) for index in photos]
    assert any(not torch.equal(item["clips"], item["recorded"]) for item in items)


def test_steps_follow_on_each_batch_that_is_prepared(tmp_path: Path) -> None:
    """They draw from what was prepared so far, each frame turned in another way."""
    once = training(tmp_path, epochs=2, windows_per_video=1, batch_size=1)
    one = training(tmp_path, epochs=2, windows_per_video=1, batch_size=1, reuse=3, memory=4)
    first, second = once.batches(0)
    steps = list(one.batches(0))
    assert (once.steps, one.steps, len(steps)) == (2, 6, 6) and one.config.frames_a_step == 2
    levels = [{round(float(x), 2) for x in pairs.clean.flatten(1).mean(1)} for pairs in (first, second, *steps)]
    assert levels[2:5] == [levels[0]] * 3  # nothing else is held
    assert all(level <= levels[0] | levels[1] for level in levels[5:])
    assert not all(torch.equal(pairs.clean, steps[0].clean) for pairs in steps[1:3])
    resumed = list(one.batches(4))
    assert len(resumed) == 2 and all(len(pairs.clean) == 2 for pairs in resumed)
    again = list(one.batches(0))
    assert all(torch.equal(a.evidence, b.evidence) for a, b in zip(steps, again, strict=True))


class Alone:
    """A network that learns by itself, with gradients that no other shares."""

    def __init__(self, network: nn.Module, one: GeneratorTraining, clip: float | None) -> None:
        self.network, self.clip = copy.deepcopy(network), clip
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=one.config.learning_rate, betas=(0.5, 0.999))
        self.schedule = cosine(self.optimizer, one.steps)

    def learn(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()


def test_each_network_learns_from_its_own_loss_alone(tmp_path: Path) -> None:
    """As two networks with separate gradients would: in one step after the other, written out."""
    one = training(tmp_path, l1_weight=10.0, adversarial_weight=5.0)
    g, d = Alone(one.g.network, one, clip=1.0), Alone(one.d.network, one, clip=None)
    batches = one.batches(0)
    for step in range(one.steps):
        pairs: Pairs = next(batches)
        one.step(step, pairs)
        degraded, restored = pairs.evidence[:, FRAME], g.network(pairs.evidence)
        d.learn(discriminator_loss(d.network(degraded, pairs.clean), d.network(degraded, restored.detach())))
        judged = generator_adversarial_loss(d.network(degraded, restored))
        g.learn(10 * reconstruction_loss(restored, pairs.clean) + 5 * judged)
    assert one.steps == 3
    for learner, wanted in ((one.g, g), (one.d, d)):
        for (name, got), weight in zip(learner.network.named_parameters(), wanted.network.parameters(), strict=True):
            assert torch.allclose(got, weight, atol=1e-6), name
            assert got.grad is None and got.requires_grad, name


def test_a_gated_generator_learns_what_it_estimates(tmp_path: Path) -> None:
    """From the true error of the frame alone, if nothing else weighs anything."""
    settings = {"adversarial_weight": 0.0, "l1_weight": 0.0, "learning_rate": 1e-2, "epochs": 60, "batch_size": 2}
    one = training(tmp_path, architecture="gated", **settings)
    batches = list(one.batches(0))
    untrained = GatedGenerator(**one.kwargs)
    terms = [one.step(step, pairs) for step, pairs in enumerate(batches)]
    assert list(terms[0]) == ["l1", "level"]

    def errs(generator: nn.Module) -> float:
        assert isinstance(generator, GatedGenerator)
        with torch.no_grad():
            levels = (generator.estimate(pairs.evidence).log_level for pairs in batches[::4])
            hidden = (pairs.evidence[:, MASK] > HIDDEN for pairs in batches[::4])
            of = ((pairs.evidence[:, FRAME], pairs.clean) for pairs in batches[::4])
            return float(np.mean([level_loss(x, *y, z) for x, y, z in zip(levels, of, hidden, strict=True)]))

    assert errs(one.g.network) < 0.75 * errs(untrained)


@pytest.mark.parametrize("weight", [0.0, 4.0])
def test_the_estimate_counts_as_much_as_it_weighs(tmp_path: Path, weight: float) -> None:
    one = training(tmp_path, architecture="gated", adversarial_weight=0.0, level_weight=weight)
    alone, pairs = Alone(one.g.network, one, clip=1.0), next(one.batches(0))
    generator = alone.network
    assert isinstance(generator, GatedGenerator)
    estimate = generator.estimate(pairs.evidence)
    hidden = pairs.evidence[:, MASK] > HIDDEN
    level = level_loss(estimate.log_level, pairs.evidence[:, FRAME], pairs.clean, hidden)
    weights = slight_weights(pairs.evidence[:, FRAME], pairs.evidence[:, BASE], hidden, pairs.clean)
    l1 = reconstruction_loss(estimate.restored, pairs.clean, weights)
    alone.learn(one.config.l1_weight * l1 + weight * level)
    one.step(0, pairs)
    for (name, got), wanted in zip(one.g.network.named_parameters(), generator.parameters(), strict=True):
        assert torch.allclose(got, wanted, atol=1e-6), name


def test_the_discriminator_has_no_part_before_it_joins(tmp_path: Path) -> None:
    one = training(tmp_path, adversarial_start=1.0)
    before = copy.deepcopy(one.d.network.state_dict())
    terms = one.step(0, next(one.batches(0)))
    assert list(terms) == ["l1"] and one.d.schedule.last_epoch == 0
    assert all(torch.equal(weight, before[name]) for name, weight in one.d.network.state_dict().items())


@pytest.mark.parametrize("weight", [0.0, 50.0])
def test_the_squared_error_counts_if_it_weighs_something(tmp_path: Path, weight: float) -> None:
    one = training(tmp_path, adversarial_weight=0.0, l2_weight=weight)
    assert ("l2" in one.step(0, next(one.batches(0)))) == (weight > 0)


@pytest.mark.parametrize("weight", [0.0, 50.0])
def test_what_alexnet_sees_counts_if_it_weighs_something(tmp_path: Path, weight: float) -> None:
    one = training(tmp_path, adversarial_weight=0.0, l1_weight=1e-9, perceptual_weight=weight, gradient_clip=1e9)
    alone, pairs = Alone(one.g.network, one, clip=None), next(one.batches(0))
    terms = one.step(0, pairs)
    assert ("perceptual" in terms) == (weight > 0)
    if not weight:
        return
    distance = lpips_network()
    apart = distance(alone.network(pairs.evidence), pairs.clean).mean()
    assert terms["perceptual"].item() == pytest.approx(apart.item(), rel=1e-4)
    alone.learn(weight * apart)
    for (name, got), wanted in zip(one.g.network.named_parameters(), alone.network.parameters(), strict=True):
        assert torch.allclose(got, wanted, atol=1e-5), name
    assert all(weight.grad is None for weight in distance.parameters())
