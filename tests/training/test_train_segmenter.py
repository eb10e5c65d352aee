from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from restore.models.segmenter import Segmenter
from restore.models.weights import load_models, load_segmenter, save_models
from restore.training.config import ObstructionConfig
from restore.training.train_segmenter import SegmenterTraining
from tests.training.test_resume import INTERRUPTED, ctrl_c
from tests.training.tiny import COMMON, at_step, content, events, run, same, write_video, write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    assert run(videos, folder, stage="obstruction", epochs=20, validate_every=20, learning_rate=3e-3) == 0
    return folder


def test_it_learns_and_is_watched(trained: Path) -> None:
    log = events(trained)
    assert len(log.Scalars("validation/iou")) == 2 and len(log.Scalars("validation/kind")) == 2
    assert len(log.Images("validation/degraded found true")) == 2
    losses = [scalar.value for scalar in log.Scalars("segmenter/mask")]
    assert len(losses) == 40 and sum(losses[-10:]) < 0.9 * sum(losses[:10])
    assert "segmenter/kind" in log.Tags()["scalars"]
    assert isinstance(load_models(trained / "out/segmenter.pth", ("segmenter",))["segmenter"], Segmenter)


def test_stopped_and_resumed_is_as_never_stopped(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path / "whole", stage="obstruction") == 0
    with at_step(Segmenter, 3, ctrl_c):
        assert run(videos, tmp_path / "parts", stage="obstruction") == INTERRUPTED
    assert run(videos, tmp_path / "parts", stage="obstruction") == 0
    whole, parts = (content(tmp_path / name / "run/segmenter.checkpoint") for name in ("whole", "parts"))
    assert same(whole, parts)


def test_it_goes_on_from_other_weights(videos: Path, trained: Path, tmp_path: Path) -> None:
    weights = trained / "out/segmenter.pth"
    assert run(videos, tmp_path, stage="obstruction", epochs=1, init_from=weights, learning_rate=1e-6) == 0
    first, last = (events(folder).Scalars("segmenter/mask") for folder in (tmp_path, trained))
    assert first[0].value < 1.5 * last[-1].value


def test_what_it_knows_of_pictures_comes_from_a_file_and_stays(videos: Path, trained: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, stage="obstruction", epochs=1, imagenet=trained / "out/segmenter.pth") == 0
    known, result = (load_segmenter(folder / "out/segmenter.pth").efficientnet for folder in (trained, tmp_path))
    assert same(known.state_dict(), result.state_dict())
    assert run(videos, tmp_path / "other", stage="obstruction", imagenet=tmp_path / "none.pth") == 2


def test_only_its_own_kind_is_trained(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.pth"
    save_models(other, {"finder": (Segmenter(), {})})
    assert run(videos, tmp_path, stage="obstruction", init_from=other) == 2
    assert capsys.readouterr().err == (
        f"train.py: holds finder, expected segmenter; give the file that train.py calls segmenter.pth: {other}\n"
    )


def test_more_frames_to_learn_from_than_a_window_has(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(videos, tmp_path, stage="obstruction", frames_per_window=9) == 2
    assert capsys.readouterr().err == "train.py: frames_per_window is 9, expected at most window (4)\n"


def test_scenes_are_reframed(tmp_path: Path) -> None:
    halves = np.zeros((8, 64, 64, 3), np.uint8)
    halves[:, :, 32:] = 255
    video = write_video(tmp_path / "halves.avi", halves)
    settings = COMMON | {"epochs": 6, "windows_per_video": 1, "batch_size": 1, "crop_height": 64, "crop_width": 64}
    config = ObstructionConfig(data_dir=str(tmp_path), frames_per_window=1, **settings)
    AcceleratorState._reset_state(reset_partial_state=True)
    training = SegmenterTraining(config, Segmenter(), Accelerator(cpu=True), [video], [video])
    strayed = []
    for seen, mask, _ in training.batches(0):
        bright = seen[:, :3].mean(1) > seen[:, :3].mean()
        true = torch.arange(64) >= 32
        amiss = ((bright != true) & (mask[:, 0] == 0)).float().mean()
        strayed.append(min(amiss, 1 - (mask[:, 0] > 0).float().mean() - amiss))  # half of the clips are mirrored
    assert len(strayed) == 6 and max(strayed) > 0.1
