import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import train
from restore.config import parse
from restore.degradations.degrade import degrade
from restore.models.discriminator import PatchGAN
from restore.models.finder import OcclusionFinder, triples
from restore.models.generator import UNetGenerator
from restore.models.weights import load_models
from restore.tensors import to_float
from restore.training.config import TrainConfig
from restore.training.losses import mask_loss
from tests.propagation.footage import pan, texture
from tests.training.tiny import content, events, flags, losses, run, same, write_video, write_videos


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is finished."""
    folder = tmp_path_factory.mktemp("trained")
    assert run(videos, folder, validate_every=2) == 0
    return folder


def test_a_training_writes_weights_that_work(trained: Path) -> None:
    models = load_models(trained / "out/generator.pth", ("generator", "finder"))
    assert isinstance(models["generator"], UNetGenerator) and isinstance(models["finder"], OcclusionFinder)
    restored = models["generator"](torch.zeros(1, 23, 20, 30))
    assert restored.shape == (1, 3, 20, 30) and restored.any()  # it has learned something
    discriminator = load_models(trained / "out/discriminator.pth", ("discriminator",))["discriminator"]
    assert isinstance(discriminator, PatchGAN)
    assert sorted(path.name for path in (trained / "out").iterdir()) == ["discriminator.pth", "generator.pth"]


def test_tensorboard_shows_losses_scores_and_pictures(trained: Path) -> None:
    log = events(trained)
    for name, steps in (
        ("finder/mask", [0, 1, 2]),
        ("generator/l1", [0, 1, 2, 3, 4, 5]),
        ("generator/discriminator", [0, 1, 2, 3, 4, 5]),
        ("generator/adversarial", [0, 1, 2, 3, 4, 5]),
        ("validation/psnr", [1, 3, 5]),
        ("validation/psnr_hole", [1, 3, 5]),
        ("validation/psnr_seen", [1, 3, 5]),
        ("validation/ssim", [1, 3, 5]),
    ):
        assert [scalar.step for scalar in log.Scalars(name)] == steps, name
    (images,) = log.Tags()["images"]
    assert images.startswith("validation/degraded restored clean")
    grid = log.Images(images)[-1]
    assert (grid.height, grid.width) == (2 + 34, 2 + 3 * 34)  # one held-out video, three pictures of 32x32
    assert all(0 < scalar.value < 60 for scalar in log.Scalars("validation/psnr"))


def test_a_finished_training_is_left_as_it_is_and_gives_its_weights_again(
    videos: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(trained / "out/generator.pth")
    assert run(videos, trained) == 0
    assert same(content(trained / "out/generator.pth"), before)
    (trained / "out/generator.pth").unlink()
    assert run(videos, trained) == 0
    assert same(content(trained / "out/generator.pth"), before)
    assert f"2 videos to train on, 1 held out; checkpoints and logs in {trained / 'run'}" in capsys.readouterr().out


def test_going_on_with_another_shape_is_refused(
    videos: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(videos, trained, epochs=4, width=16) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == (
        "train.py: the run began with other settings; give those again, or another --run_dir to begin anew: "
        f"{trained / 'run' / 'generator.checkpoint'}"
    )


def test_dry_run_prints_a_profile_and_does_nothing(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = flags(videos, tmp_path, learning_rate=0.003, use_first_100="x")
    at = arguments.index("--use_first_100")
    arguments[at : at + 2] = ["--use_first_100"]
    assert train.main([*arguments, "--dry_run"]) == 0
    assert not list(tmp_path.iterdir())
    profile = tmp_path / "printed.yaml"
    profile.write_text(capsys.readouterr().out)
    assert parse(TrainConfig, ["--config", str(profile), "--no-dry_run"]) == parse(TrainConfig, arguments)
    assert parse(TrainConfig, ["--config", str(profile)]).learning_rate == 0.003


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """The one line on stderr."""
    assert train.main(arguments) == code
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert captured.out == "" and lines[-1].startswith("train.py: ")
    return lines[-1].removeprefix("train.py: ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "unknown flag --epoch; did you mean --epochs?"),
        ({"epochs": "many"}, "--epochs: invalid int value: 'many'; --help lists all"),
        ({"stage": "magic"}, "stage is 'magic', expected one of generator, obstruction, autoencoder, refiner"),
        ({"batch_size": 3}, "batch_size is 3, expected a multiple of windows_per_video (2)"),
        ({"crop_width": 16}, "crop_width is 16, expected 32 to 4096"),
        ({"learning_rate": -1}, "learning_rate is -1.0, expected more than 0"),
        ({"workers": -1}, "workers is -1, expected at least 0"),
        ({"validation_share": 0.9}, "validation_share is 0.9, which leaves none of 3 scenes to train on"),
        (
            {"config": "no.yaml"},
            "cannot read the profile, give a YAML file to --config: No such file or directory: no.yaml",
        ),
        ({"init_from": "no.pth"}, "no such weights file; train.py writes it: no.pth"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_2(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any], message: str
) -> None:
    assert complaint(flags(videos, tmp_path, **settings), capsys).startswith(message)
    assert not (tmp_path / "run").exists() and not (tmp_path / "out").exists()


def test_wrong_data_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint([], capsys).startswith("--data_dir is missing; give the flag")
    assert complaint(flags(tmp_path / "no", tmp_path), capsys) == (
        f"no such folder of training videos; give UCF-101's or any folder of videos: {tmp_path / 'no'}"
    )
    (tmp_path / "data").mkdir()
    assert complaint(flags(tmp_path / "data", tmp_path), capsys).startswith("neither videos (.avi, ")
    (tmp_path / "data" / "broken.avi").write_bytes(b"no video")
    assert complaint(flags(tmp_path / "data", tmp_path), capsys).startswith("none of 1 videos can be read")
    assert not (tmp_path / "run").exists() and not (tmp_path / "out").exists()


def test_fp16_without_a_gpu_is_refused(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run(videos, tmp_path, mixed_precision="fp16") == 2
    assert (
        capsys.readouterr().err
        == "train.py: mixed_precision is fp16, which needs a GPU and none is here; give auto, bf16 or no\n"
    )


def test_a_video_that_cannot_be_read_does_not_stop_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    videos = write_videos(tmp_path / "videos")
    (videos / "Pan" / "v_Pan_g00_c02.avi").write_bytes(b"no video")  # one scene has a good clip and a bad one
    with caplog.at_level(logging.INFO):
        assert run(videos, tmp_path, epochs=1, finder_steps=1) == 0
    assert any(line.startswith("left out: ") and line.endswith("v_Pan_g00_c02.avi") for line in caplog.messages)
    assert any(line.endswith("videos are left out") for line in caplog.messages)


def test_a_folder_with_one_short_video_will_do(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "one.mp4", pan(1, (0, 0), height=24, width=20))
    assert run(tmp_path / "videos", tmp_path, epochs=1, finder_steps=1) == 0


def test_bfloat16(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, epochs=1, finder_steps=1, mixed_precision="bf16") == 0
    assert all(0 < value < 2 for value in losses(tmp_path))
    weights = content(tmp_path / "run/generator.checkpoint")["generator"]
    assert {value.dtype for value in weights.values()} == {torch.float32}  # only the computing is in bfloat16


def test_gradients_accumulate(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, gradient_accumulation=2) == 0
    assert len(losses(tmp_path)) == 6
    state = content(tmp_path / "run/generator.checkpoint")
    for name in ("generator", "discriminator"):
        assert {int(weight["step"]) for weight in state[f"{name}.optimizer"]["state"].values()} == {3}
        assert state[f"{name}.schedule"]["last_epoch"] == 3
        assert state[f"{name}.optimizer"]["param_groups"][0]["lr"] == pytest.approx(0, abs=1e-9)
    assert int(state["generator.ema"]["n_averaged"]) == 3


def test_gradients_are_clipped(videos: Path, tmp_path: Path) -> None:
    """So far that Adam's epsilon outweighs them, nothing is learned."""
    assert run(videos, tmp_path, gradient_clip=1e-14, epochs=1, finder_steps=1) == 0
    weights = content(tmp_path / "run/generator.checkpoint")["generator"]
    assert weights["unet.tail.weight"].abs().max() < 1e-6  # it starts at zero, and a step is 2e-4


def test_the_discriminator_joins_when_it_should(videos: Path, tmp_path: Path) -> None:
    assert run(videos, tmp_path, adversarial_start=0.5) == 0
    joined = [scalar.step for scalar in events(tmp_path).Scalars("generator/discriminator")]
    assert joined == [3, 4, 5] and len(losses(tmp_path)) == 6


def test_photographs_alone_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        path = tmp_path / "photos" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), texture(60, 80, number))
    assert run(tmp_path / "photos", tmp_path, epochs=1, finder_steps=1) == 0
    assert capsys.readouterr().out.startswith("2 photographs to train on, 1 held out; ")
    write_videos(tmp_path / "photos")
    assert run(tmp_path / "photos", tmp_path / "both", epochs=1, finder_steps=1, validation_share=0.2) == 0
    assert " videos and " in capsys.readouterr().out


def test_no_folder_fills_an_epoch(tmp_path: Path) -> None:
    few = [write_video(tmp_path / f"data/{name}/a.avi", pan(4, (0, 0), 32, 32)) for name in "abcdefghijk"]
    for number in range(9):
        write_video(tmp_path / f"data/many/{number}.avi", pan(4, (0, 0), 32, 32))
    assert run(tmp_path / "data", tmp_path, epochs=1, finder_steps=1, windows_per_video=1, validation_share=0.05) == 0
    assert len(losses(tmp_path)) < len(few)  # 19 are left to train on, at two a step; of the many only one is drawn
    assert len(losses(tmp_path)) <= 6


def test_it_learns_one_clip_by_heart(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "one.avi", pan(6, (1, 1), height=40, width=48))
    settings = {"epochs": 60, "learning_rate": 4e-3, "width": 16, "finder_steps": 25, "frames_per_window": 4}
    assert run(tmp_path / "videos", tmp_path, adversarial_weight=0, validate_every=10, **settings) == 0
    l1 = losses(tmp_path)
    assert sum(l1[-15:]) < 0.8 * sum(l1[:15])
    scores = [scalar.value for scalar in events(tmp_path).Scalars("validation/psnr")]
    assert len(scores) == 6 and scores[-1] > scores[0] + 1.5
    assert "generator/discriminator" not in events(tmp_path).Tags()["scalars"]


def test_the_finder_learns_what_hides() -> None:
    torch.manual_seed(0)
    clean = to_float(np.stack([pan(4, (1, 2), 48, 56, seed) for seed in range(3)]))
    bad, mask = degrade(clean, generator=torch.Generator().manual_seed(0), kind="static")
    finder = OcclusionFinder(widths=(16, 16), blocks=(1, 1), decoder_blocks=(1,))
    optimizer = torch.optim.Adam(finder.parameters(), lr=3e-3)
    for _ in range(50):
        logits = finder(triples(bad).flatten(0, 1))
        optimizer.zero_grad()
        mask_loss(logits, mask.flatten(0, 1)).backward()
        optimizer.step()
    agree = ((logits > 0) == mask.flatten(0, 1).bool()).float().mean()
    assert agree > 0.95 and 0.05 < mask.mean() < 0.5


def test_a_loss_that_is_not_finite_stops_the_run(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(videos, tmp_path, learning_rate=1e38, adversarial_weight=0) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("train.py: the l1 loss is ") and " at step 1; the last checkpoint is sound" in last
    assert not (tmp_path / "out").exists()


def test_weights_that_were_there_before_become_a_backup(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "out").mkdir()
    for name in ("generator", "discriminator"):
        (tmp_path / "out" / f"{name}.pth").write_text(f"the shipped {name}")
    with caplog.at_level(logging.INFO):
        assert run(videos, tmp_path, checkpoint_minutes=1e-9, epochs=2) == 0  # writes four times
    for name in ("generator", "discriminator"):
        backup = tmp_path / "out" / f"{name}.backup.pth"
        assert backup.read_text() == f"the shipped {name}"
        assert caplog.messages.count(f"the weights that were here are now {backup}") == 1
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert run(videos, tmp_path, epochs=3) == 0  # goes on: its own weights are replaced
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert run(videos, tmp_path, run_dir=tmp_path / "another", epochs=1) == 0
    assert (tmp_path / "out" / "generator.backup-2.pth").is_file()
