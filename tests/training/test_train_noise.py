from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore.degradations.recipe import Recipe
from restore.models.finder import OcclusionFinder
from restore.models.generator import GatedGenerator, UNetGenerator
from restore.models.noise_network import NoiseNetwork
from restore.models.weights import load_noise, save_models
from restore.tensors import to_float
from restore.training.data import CleanWindows
from restore.training.losses import relative_loss
from restore.training.prepare import seeded
from restore.training.prepare_noise import NoisyFrames, PreparedNoise, network_input, noisy_frames
from restore.training.train_noise import turned
from tests.propagation.footage import noisy, pan
from tests.training.test_resume import INTERRUPTED, ctrl_c
from tests.training.tiny import at_step, content, events, run, same, write_video

TINY: dict[str, Any] = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for index in range(3):
        write_video(folder / "Pan" / f"v_Pan_g{index:02}_c01.avi", pan(8, (1, 1), 40, 48, seed=index) // 2 + 64)
    return folder


def generator() -> GatedGenerator:
    torch.manual_seed(0)
    return GatedGenerator(**TINY).eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "generator.pth"
    save_models(path, {"generator": (generator(), TINY)})
    return path


@pytest.fixture(scope="module")
def trained(videos: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    settings = {"epochs": 12, "reuse": 8, "validate_every": 100, "learning_rate": 5e-3, "ema_decay": 0.9}
    assert run(videos, folder, stage="noise", generator=weights, **settings) == 0
    return folder


def test_it_learns_and_is_watched(trained: Path) -> None:
    log = events(trained)
    losses = [one.value for one in log.Scalars("noise/relative")]
    assert len(losses) == 12 * 2 * 8 and np.mean(losses[-40:]) < 0.97 * np.mean(losses[:40])
    assert 0.7 < losses[0] < 1.2  # an untrained network leaves what it begins from
    smoothed, scores = ([one.value for one in log.Scalars(f"validation/{name}")] for name in ("smoothed", "psnr"))
    assert len(scores) == 2 and scores[-1] > smoothed[-1]
    assert len(log.Images("validation/degraded smoothed restored clean")) == 2
    assert isinstance(load_noise(trained / "out/noise.pth"), NoiseNetwork)


def test_stopped_and_resumed_is_as_never_stopped(videos: Path, weights: Path, tmp_path: Path) -> None:
    """But for what the memory held: with one that holds no more than a batch, to the bit."""
    settings = {"stage": "noise", "generator": weights, "reuse": 1, "frames_per_window": 1, "memory": 2}
    assert run(videos, tmp_path / "whole", **settings) == 0
    with at_step(NoiseNetwork, 3, ctrl_c):
        assert run(videos, tmp_path / "parts", **settings) == INTERRUPTED
    assert run(videos, tmp_path / "parts", **settings) == 0
    whole, parts = (content(tmp_path / name / "run/noise.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)


def test_it_goes_on_from_other_weights(
    videos: Path, weights: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"generator": weights, "init_from": trained / "out/noise.pth", "epochs": 1}
    assert run(videos, tmp_path, stage="noise", learning_rate=1e-9, **settings) == 0
    before, after = (load_noise(path / "out/noise.pth").state_dict() for path in (trained, tmp_path))
    assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)
    assert run(videos, tmp_path / "other", stage="noise", widths=[16, 24], **settings) == 2
    assert "the noise network has another shape; give the --widths it was trained with" in capsys.readouterr().err


def test_a_generator_that_estimates_no_noise_and_other_weights_are_refused(
    videos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_models(tmp_path / "generator.pth", {"generator": (UNetGenerator(**TINY), TINY)})
    assert run(videos, tmp_path, stage="noise", generator=tmp_path / "generator.pth") == 2
    assert "the generator is a UNetGenerator, which does not estimate noise; expected a" in capsys.readouterr().err
    save_models(tmp_path / "noise.pth", {"noise": (OcclusionFinder(), {})})
    assert run(videos, tmp_path, stage="noise", generator=weights, init_from=tmp_path / "noise.pth") == 2
    assert "expected a NoiseNetwork, got OcclusionFinder" in capsys.readouterr().err
    assert run(videos, tmp_path, stage="noise", generator=weights, memory=3) == 2
    assert "batch_size x frames_per_window is 4, expected at most memory (3)" in capsys.readouterr().err


def clip() -> np.ndarray:
    return pan(7, (0, 2), 48, 64) // 2 + 64


def test_frames_with_noise_are_restored_as_in_use_up_to_here() -> None:
    clean, masks = clip(), np.zeros((7, 48, 64), np.float32)
    masks[:, 8:20, 30:44] = 1
    degraded = np.where(masks[..., None] > 0, np.uint8(128), noisy(clean, 8))
    frames = noisy_frames(degraded, clean, masks, generator(), most=3)
    assert frames.noise.shape == (3,) and (frames.noise > 3).all()
    for index, t in enumerate((0, 3, 6)):
        assert torch.equal(frames.frame[index].movedim(0, -1), torch.from_numpy(degraded[t]))
        assert torch.equal(frames.clean[index].movedim(0, -1), torch.from_numpy(clean[t]))
    assert torch.equal(frames.hidden[:, 0].float(), torch.from_numpy(masks[[0, 3, 6]]))
    seen = ~frames.hidden.expand_as(frames.clean)
    smoothed, averaged, frame = (
        (x.float() - frames.clean)[seen].square().mean() for x in (frames.smoothed, frames.averaged, frames.frame)
    )
    assert smoothed < averaged < 0.5 * frame


def test_of_a_window_without_noise_one_frame_counts_as_if_it_had_a_trace() -> None:
    clean = clip()
    frames = noisy_frames(clean, clean, np.zeros(clean.shape[:3], np.float32), generator(), most=3)
    assert torch.equal(frames.frame.movedim(1, -1), torch.from_numpy(clean[3:4])) and 0 < frames.noise < 1


def test_items_depend_on_seed_epoch_and_video_alone(videos: Path) -> None:
    windows = CleanWindows(sorted(videos.rglob("*.avi")), frames=5, crop=(32, 40), per_video=2, seed=0)
    prepared = PreparedNoise(windows, frames=2, generator=generator())
    one, again, other = (prepared[key] for key in ((0, 1), (0, 1), (1, 1)))
    assert all(torch.equal(a, b) for a, b in zip(one.parts(), again.parts(), strict=True))
    assert not torch.equal(one.frame[0], other.frame[0])


def test_items_have_the_noise_that_is_drawn_for_them(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = CleanWindows(sorted(videos.rglob("*.avi")), frames=5, crop=(32, 40), per_video=4, seed=0)
    prepared = PreparedNoise(windows, frames=1, generator=generator())
    strongest = []
    for sigma in (0.0, 20.0):
        monkeypatch.setattr("restore.training.prepare_noise.draw_noisy", lambda *, generator, s=sigma: Recipe(noise=s))
        strongest.append(prepared[0, 0].noise.max().item())
    assert strongest[0] < 1 and strongest[1] > 8


def frames_of(clean: np.ndarray) -> NoisyFrames:
    return noisy_frames(noisy(clean, 8), clean, np.zeros(clean.shape[:3], np.float32), generator(), most=7)


def test_turned_frames_are_the_same_frames_turned() -> None:
    frames = frames_of(clip())
    frames.hidden[:, :, :8, :8] = True
    drawn = turned(frames, generator=seeded(0))
    assert torch.equal(drawn.noise, frames.noise)
    places, exchanged = set(), 0
    for index in range(7):
        hidden = drawn.hidden[index, 0]
        rows, columns = hidden.any(1).nonzero()[0].item() > 0, hidden.any(0).nonzero()[0].item() > 0
        places.add((rows, columns))
        sides = [-2] * rows + [-1] * columns
        for got, was in zip(drawn.parts()[:4], frames.parts()[:4], strict=True):
            assert torch.equal(got[index].flip(sides).sum(0), was[index].sum(0))
        orders = [[torch.equal(x.flip(sides), y) for y in frames.clean[index]].index(True) for x in drawn.clean[index]]
        assert torch.equal(drawn.frame[index].flip(sides), frames.frame[index][orders])
        exchanged += orders != [0, 1, 2]
    assert len(places) > 2 and 0 < exchanged < 7


def test_the_network_is_called_with_what_its_arguments_are() -> None:
    frames = frames_of(clip())
    smoothed, averaged, frame, hidden, noise = network_input(frames, torch.device("cpu"))
    for got, was in ((smoothed, frames.smoothed), (averaged, frames.averaged), (frame, frames.frame)):
        assert torch.equal(got, to_float(was.movedim(1, -1).contiguous().numpy()))
    assert torch.equal(hidden.bool(), frames.hidden) and torch.equal(noise, frames.noise)


def test_the_loss_is_what_is_left_of_the_error_whatever_that_was() -> None:
    clean = torch.zeros(2, 3, 8, 8)
    before = torch.tensor([0.02, 0.3]).view(2, 1, 1, 1).expand_as(clean)
    assert float(relative_loss(before, before, clean)) == pytest.approx(1, abs=0.06)
    assert float(relative_loss(before / 4, before, clean)) == pytest.approx(0.25, abs=0.06)
    halves = torch.stack([before[0] / 2, before[1]])
    assert float(relative_loss(halves, before, clean)) == pytest.approx(0.75, abs=0.06)
    assert float(relative_loss(clean, clean, clean)) == pytest.approx(1)
