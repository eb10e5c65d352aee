"""Settings out of their range are refused in one line, before anything is written."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

import train
from restore.config import parse
from restore.errors import ConfigError
from restore.training.config import STAGES
from restore.training.ranges import RANGES

LARGEST = 2**32 - 1


def message(stage: str, **settings: Any) -> str:
    """What is wrong with a training of these settings; empty if nothing is."""
    arguments = ["--data_dir", "UCF-101", "--stage", stage]
    for name, value in settings.items():
        arguments += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    try:
        parse(STAGES[stage], arguments)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seed", -1, f"0 to {LARGEST}"),
        ("seed", LARGEST + 1, f"0 to {LARGEST}"),
        ("epochs", 0, "at least 1"),
        ("batch_size", 0, "at least 1"),
        ("windows_per_video", -4, "at least 1"),
        ("window", 0, "at least 1"),
        ("crop_height", 16, "32 to 4096"),
        ("crop_width", 8192, "32 to 4096"),
        ("validation_share", -0.1, "0 to less than 1"),
        ("validation_share", 1.0, "0 to less than 1"),
        ("validate_every", 0, "at least 1"),
        ("checkpoint_minutes", -1.0, "at least 0"),
        ("workers", -1, "at least 0"),
        ("learning_rate", -1.0, "more than 0"),
        ("learning_rate", 0.0, "more than 0"),
        ("learning_rate", math.nan, "more than 0"),
        ("learning_rate", math.inf, "more than 0"),
        ("ema_decay", 1.0, "0 to less than 1"),
        ("ema_decay", -0.5, "0 to less than 1"),
        ("gradient_clip", 0.0, "more than 0"),
        ("gradient_accumulation", 0, "at least 1"),
    ],
)
@pytest.mark.parametrize("stage", STAGES)
def test_what_all_trainings_share(stage: str, name: str, value: float, expected: str) -> None:
    assert message(stage, **{name: value}) == f"{name} is {value}, expected {expected}"


@pytest.mark.parametrize(
    ("stage", "name", "value", "expected"),
    [
        ("generator", "frames_per_window", 0, "at least 1"),
        ("generator", "frames_per_window", 13, "at most window (12)"),
        ("generator", "reuse", 0, "at least 1"),
        ("generator", "memory", -1, "at least 0"),
        ("generator", "width", 7, "at least 8"),
        ("generator", "width", 0, "at least 8"),
        ("generator", "l1_weight", -1.0, "at least 0"),
        ("generator", "l2_weight", -1.0, "at least 0"),
        ("generator", "level_weight", -1.0, "at least 0"),
        ("generator", "adversarial_weight", -0.5, "at least 0"),
        ("generator", "adversarial_start", -0.1, "0 to 1"),
        ("generator", "adversarial_start", 1.5, "0 to 1"),
        ("generator", "obstructed_share", 1.1, "0 to 1"),
        ("generator", "finder_steps", 0, "at least 1"),
        ("generator", "finder_batch", 0, "at least 1"),
        ("generator", "finder_batch", 6, "a multiple of windows_per_video (4)"),
        ("generator", "batch_size", 6, "a multiple of windows_per_video (4)"),
        ("obstruction", "frames_per_window", 13, "at most window (12)"),
        ("autoencoder", "downsampling", 0, "at least 1"),
        ("autoencoder", "downsampling", 3, "a divisor of the crops' sides, 128"),
        ("autoencoder", "latent_channels", 0, "at least 1"),
        ("autoencoder", "width", 31, "at least twice the 16 latent channels"),
        ("autoencoder", "gradient_weight", -1.0, "at least 0"),
        ("autoencoder", "moment_weight", -1.0, "at least 0"),
        ("refiner", "widths", [64, 0], "at least 16"),
        ("refiner", "widths", [64, -16], "at least 16"),
        ("refiner", "coarse_share", 1.5, "0 to 1"),
        ("refiner", "snr_gamma", 0.0, "more than 0"),
        ("refiner", "hidden_least", 0.0, "more than 0 to 1"),
        ("refiner", "hidden_most", 1.5, "more than 0 to 1"),
        ("refiner", "hidden_least", 0.7, "at most hidden_most (0.6)"),
    ],
)
def test_what_one_training_has(stage: str, name: str, value: Any, expected: str) -> None:
    assert message(stage, **{name: value}) == f"{name} is {value}, expected {expected}"


def test_the_refiners_widths_are_multiples_of_its_groups() -> None:
    assert message("refiner", widths=[64, 100]) == "widths are [64, 100], expected multiples of 16"


@pytest.mark.parametrize(
    "settings",
    [
        {"seed": 0, "workers": 0, "checkpoint_minutes": 0.0, "ema_decay": 0.0, "validation_share": 0.0},
        {"seed": LARGEST, "adversarial_start": 1.0, "obstructed_share": 1.0, "l1_weight": 0.0, "crop_height": 32},
        {"finder_batch": 2, "windows_per_video": 4},  # fewer than a video has windows
    ],
)
def test_the_bounds_are_allowed(settings: dict[str, Any]) -> None:
    assert message("generator", **settings) == ""


def test_the_memory_holds_what_a_step_learns_from() -> None:
    few = {"batch_size": 8, "frames_per_window": 2, "reuse": 2, "memory": 15}
    assert message("generator", **few) == "batch_size x frames_per_window is 16, expected at most memory (15)"
    assert message("generator", **few | {"memory": 16}) == message("generator", **few | {"reuse": 1}) == ""


@pytest.mark.parametrize("stage", STAGES)
def test_every_number_has_a_range(stage: str) -> None:
    numbers = {f.name for f in dataclasses.fields(STAGES[stage]) if f.type in (int, float, list[int])}
    assert len(numbers) > 15 and numbers <= RANGES.keys()


@pytest.mark.parametrize("settings", ["--learning_rate -1", "--workers -1", "--seed -3", "--window 2"])
def test_nothing_is_written(settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data_dir", str(tmp_path), "--run_dir", str(tmp_path / "run"), *settings.split()]
    assert train.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("train.py: ") and error.count("\n") == 1 and not list(tmp_path.iterdir())
