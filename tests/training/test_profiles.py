from pathlib import Path

import pytest
import torch
import yaml

from restore.config import chosen, parse
from restore.errors import ConfigError
from restore.models.weights import load_models
from restore.training.config import STAGES, AutoencoderConfig, RefinerConfig, Settings, TrainConfig
from restore.training.initial import initial_generator

PROFILES = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def test_there_are_profiles() -> None:
    assert {"ucf101", "quick", "pix2pix", "autoencoder", "refiner", "clevrer"} <= {path.stem for path in PROFILES}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_a_training(path: Path) -> None:
    arguments = ["--config", str(path), "--data_dir", "UCF-101"]
    config = parse(chosen("stage", STAGES, arguments), arguments)
    for name, value in yaml.safe_load(path.read_text()).items():
        assert getattr(config, name) == value
    assert path.read_text().startswith("# ")  # what it is for


@pytest.mark.parametrize("name", ["cctv"])
def test_it_begins_with_the_weights_that_come_with_the_project(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    config = parse(TrainConfig, ["--config", f"configs/{name}.yaml", "--data_dir", "UCF-101"])
    shipped = load_models(root / "saved_models/generator.pth", ("generator",))["generator"]
    begun = initial_generator(config).generator
    assert type(begun) is type(shipped)
    for key, value in shipped.state_dict().items():
        taken = begun.state_dict()[key]
        if taken.shape != value.shape:  # it reads the spectrum, too, of which nothing is known yet
            taken, new = taken.split([value.shape[1], taken.shape[1] - value.shape[1]], 1)
            assert not new.any()
        assert torch.equal(taken, value)


def test_flags_win_over_the_profile() -> None:
    path = next(path for path in PROFILES if path.stem == "quick")
    config = parse(TrainConfig, ["--config", str(path), "--data_dir", "UCF-101", "--epochs", "7"])
    assert config.epochs == 7 and config.width == 24


def test_pix2pix_is_the_papers() -> None:
    path = next(path for path in PROFILES if path.stem == "pix2pix")
    config = parse(TrainConfig, ["--config", str(path), "--data_dir", "UCF-101"])
    assert (config.architecture, config.width, config.l1_weight, config.learning_rate) == ("pix2pix", 64, 100, 2e-4)
    assert (config.crop_height, config.crop_width, config.adversarial_start) == (256, 256, 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], TrainConfig),
        (["--stage", "refiner"], RefinerConfig),
        (["--stage=autoencoder", "--epochs", "2"], AutoencoderConfig),
        (["--config", "configs/clevrer.yaml"], RefinerConfig),
        (["--config", "configs/clevrer.yaml", "--stage", "generator"], TrainConfig),
        (["--config", "configs/quick.yaml"], TrainConfig),
    ],
)
def test_the_stage_chooses_the_settings(arguments: list[str], expected: type[Settings]) -> None:
    arguments = [str(PROFILES[0].parents[1] / part) if part.endswith(".yaml") else part for part in arguments]
    assert chosen("stage", STAGES, arguments) is expected


def test_an_unknown_stage_is_refused(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("stage: magic\n")
    for arguments in (["--stage", "magic"], ["--config", str(profile)]):
        with pytest.raises(ConfigError) as error:
            chosen("stage", STAGES, arguments)
        assert (
            str(error.value) == "stage is 'magic', expected one of "
            "generator, obstruction, autoencoder, refiner, few_steps, scale, noise"
        )
